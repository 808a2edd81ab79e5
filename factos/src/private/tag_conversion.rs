use std::fmt::Display;

use crate::tag_value::TagValue;

/// Passes on the texts of a value that a function made; its type need not be named.
pub fn each<T: TagValue>(value: &T, f: &mut dyn FnMut(&str)) {
    value.each(f);
}

/// Passes on the text of `Display`.
pub fn each_displayed<T: Display>(value: &T, f: &mut dyn FnMut(&str)) {
    f(&value.to_string());
}
