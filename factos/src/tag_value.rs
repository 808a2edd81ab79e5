/// A field type whose values make tags: zero or more texts, each stable for ever.
///
/// For strings, integers, `bool`, `char` and UUIDs one text; none for `None`; one per element for
/// collections. Not for floats: equal numbers can print differently.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a tag value",
    label = "a `#[tag]` field of this type has no stable text form",
    note = "for your own newtype add `#[derive(TagValue)]`",
    note = "floats are refused on purpose: equal numbers can print differently"
)]
pub trait TagValue {
    /// What one text stands for; queries ask for it.
    type Item: TagItem;

    /// Calls `f` with each text, in order.
    fn each(&self, f: &mut dyn FnMut(&str));
}

/// What one tag stands for, and how a query names it.
pub trait TagItem {
    /// The argument of a query method: `&str` for strings, integers by value, newtypes by reference.
    type Arg<'a>;

    /// Calls `f` with the text of the argument.
    fn with_arg(arg: Self::Arg<'_>, f: &mut dyn FnMut(&str));
}

/// The argument that a query takes for a field of type `T`.
pub type ArgOf<'a, T> = <<T as TagValue>::Item as TagItem>::Arg<'a>;
