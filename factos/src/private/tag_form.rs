use std::fmt::Display;

use crate::tag_value::TagValue;

/// Passes on the texts of a value that a function made; its type need not be named.
pub fn each<T: TagValue>(value: &T, f: &mut dyn FnMut(&str)) {
    value.each(f);
}

/// A value whose text is that of `Display`.
#[derive(Debug)]
pub struct Displayed<'a, T>(pub &'a T);

impl<T: Display> Displayed<'_, T> {
    /// Passes on the text.
    pub fn each(&self, f: &mut dyn FnMut(&str)) {
        f(&self.0.to_string());
    }
}
