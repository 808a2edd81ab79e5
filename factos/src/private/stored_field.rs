use serde::{Serialize, de::DeserializeOwned};

/// What a payload writes and reads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a payload",
    label = "not a type that serde writes and reads",
    note = "add `#[derive(factos::Payload)]` to your own types in it, or serde's `Serialize` and `Deserialize`",
    note = "types of other crates may need a feature for serde, or `#[serde(with = ...)]`"
)]
pub trait StoredField {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> StoredField for T {}

/// What a payload reads, and writes in another way.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a payload",
    label = "not a type that serde reads",
    note = "add `#[derive(factos::Payload)]` to your own types in it, or serde's `Deserialize`"
)]
pub trait ReadField {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ReadField for T {}

/// What a payload writes.
///
/// The lifetime says nothing: a bound for every lifetime is one that rustc leaves to its users to prove.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to a payload",
    label = "not a type that serde writes",
    note = "add `#[derive(factos::Payload)]` to your own types in it, or serde's `Serialize`"
)]
pub trait WrittenField<'a>: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> WrittenField<'_> for T {}

/// Compiles for what a payload can hold.
pub const fn stored_field<T: StoredField>() {}

/// Compiles for what a payload can be given.
pub const fn written_field<T: WrittenField<'static>>() {}

/// Compiles for what a payload can give back.
pub const fn read_field<T: ReadField>() {}
