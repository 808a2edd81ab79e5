//! Numbers in the file have a sign, those of a record have none.

/// A number as the file holds it. What is past `i64::MAX` is so for the file too: no position is there.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of the file; none if it is negative.
pub(crate) fn unsigned(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}
