use crate::tag_value::TagValue;

/// Implemented by a type for itself only.
#[diagnostic::on_unimplemented(
    message = "one tag key, two value types: `{A}` in an earlier field, `{Self}` here",
    label = "not the type that the key has in an earlier field",
    note = "a query asks for one value per key: give one of the fields another key"
)]
pub trait SameTagType<A: ?Sized> {}

impl<T: ?Sized> SameTagType<T> for T {}

/// Compiles if both types are the same.
pub const fn same_type<A: ?Sized, B: SameTagType<A> + ?Sized>() {}

/// Compiles if fields of both types have tags of the same type of value.
pub const fn same_tag_type<A: TagValue, B: TagValue<Item: SameTagType<A::Item>>>() {}
