use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::event::Event;

/// A type that a payload writes and reads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a payload",
    label = "not a type that serde writes and reads",
    note = "add `#[derive(factos::Payload)]` to your own types in it, or serde's `Serialize` and `Deserialize`",
    note = "if a variant holds another event, add `#[event(flatten)]` to the variant",
    note = "types of other crates may need a feature for serde, or `#[serde(with = ...)]`"
)]
pub trait StoredField {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> StoredField for T {}

/// A type that a payload reads only: a function of the user writes it, or it is not written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a payload",
    label = "not a type that serde reads",
    note = "add `#[derive(factos::Payload)]` to your own types in it, or serde's `Deserialize`"
)]
pub trait ReadField {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ReadField for T {}

/// A type that a payload writes.
///
/// The lifetime has no meaning of its own. It makes rustc check the bound where the bounded item is
/// used, and not where it is defined.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to a payload",
    label = "not a type that serde writes",
    note = "add `#[derive(factos::Payload)]` to your own types in it, or serde's `Serialize`"
)]
pub trait WrittenField<'a>: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> WrittenField<'_> for T {}

/// Compiles for a type that a payload writes and reads.
pub const fn stored_field<T: StoredField>() {}

/// Compiles for a type that a payload writes.
pub const fn written_field<T: WrittenField<'static>>() {}

/// Compiles for a type that a payload reads.
pub const fn read_field<T: ReadField>() {}

/// Whether `T` is an event, by method resolution: the constant of this type comes before the one of the trait.
#[derive(Debug)]
pub struct IsEvent<T>(PhantomData<T>);

/// What `IsEvent` says of a type that is no event.
pub trait NoEvent {
    /// The answer.
    const IS_EVENT: bool = false;
}

impl<T> NoEvent for IsEvent<T> {}

impl<T: Event> IsEvent<T> {
    /// The answer.
    pub const IS_EVENT: bool = true;
}

/// Refuses a payload that is an event: its tags and its names would be lost.
pub const fn assert_no_event(is_event: bool) {
    assert!(
        !is_event,
        "this variant holds an event, whose names and tags would be lost: add `#[event(flatten)]`"
    );
}
