/// The tags that a function of `tags_with` returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of tags",
    label = "this function returns no pairs of a key and a text",
    note = "a function of `tags_with` returns, say, `Vec<(&'static str, String)>` or an `Option` of a pair"
)]
pub trait TagPairs {
    /// Passes on each pair.
    fn each(self, f: impl FnMut(&'static str, &str));
}

#[diagnostic::do_not_recommend]
impl<I, V> TagPairs for I
where
    I: IntoIterator<Item = (&'static str, V)>,
    V: AsRef<str>,
{
    fn each(self, mut f: impl FnMut(&'static str, &str)) {
        for (key, value) in self {
            f(key, value.as_ref());
        }
    }
}
