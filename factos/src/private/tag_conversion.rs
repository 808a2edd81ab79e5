use std::fmt::Display;

use crate::tag_value::TagValue;

/// Passes on the tag texts of a value that a function of `#[tag(with = ...)]` returned.
pub fn each<T: TagValue>(value: &T, f: &mut dyn FnMut(&str)) {
    value.each(f);
}

/// Passes on the text that `Display` gives, for `#[tag(display)]`.
pub fn each_displayed<T: Display>(value: &T, f: &mut dyn FnMut(&str)) {
    f(&value.to_string());
}
