use crate::tag_value::TagValue;

/// Holds for one and the same type only.
#[diagnostic::on_unimplemented(
    message = "one tag key, two value types: `{A}` in an earlier field, `{Self}` here",
    label = "not the type that the key has in an earlier field",
    note = "a query asks for one value per key: give one of the fields another key"
)]
pub trait SameItem<A: ?Sized> {}

impl<T: ?Sized> SameItem<T> for T {}

/// Compiles if both are one type.
pub const fn same_type<A: ?Sized, B: SameItem<A> + ?Sized>() {}

/// Compiles if fields of both types stand for the same values.
pub const fn same_item<A: TagValue, B: TagValue<Item: SameItem<A::Item>>>() {}
