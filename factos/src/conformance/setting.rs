//! Numbers that the environment sets.

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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn a_number_is_read() {
        assert_eq!(parsed::<u64>("SEED", OsStr::new(" 12\n")), 12);
    }

    #[test]
    #[should_panic(expected = "SEED is \"0x12\", which cannot be used: invalid digit")]
    fn what_is_no_number_is_told() {
        parsed::<u64>("SEED", OsStr::new("0x12"));
    }

    #[test]
    #[should_panic(expected = "PATIENCE is \"0\", which cannot be used: number would be zero")]
    fn a_number_that_must_not_be_zero_is_told() {
        parsed::<NonZeroU32>("PATIENCE", OsStr::new("0"));
    }
}
