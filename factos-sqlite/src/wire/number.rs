//! Numbers: with a sign in the file, without one in a record.

/// A number as the file holds it. The file holds nothing past `i64::MAX`, so what is larger becomes that.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of the file; none if it is negative.
pub(crate) fn unsigned(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}
