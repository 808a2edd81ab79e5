//! Numbers that the environment sets, as for the suite of stores.

use std::{env, ffi::OsStr, fmt::Display, str::FromStr};

/// The number that a variable of the environment holds; none if there is no such variable.
pub(super) fn number<T: FromStr<Err: Display>>(variable: &str) -> Option<T> {
    env::var_os(variable).map(|text| parsed(variable, &text))
}

/// A setting that is not understood must not count as one that is not there.
fn parsed<T: FromStr<Err: Display>>(variable: &str, text: &OsStr) -> T {
    let number = text.to_string_lossy().trim().parse();
    number.unwrap_or_else(|error| panic!("{variable} is {text:?}, which cannot be used: {error}"))
}
