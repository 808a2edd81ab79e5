use std::time::Duration;

use factos::SequencePosition;

/// A number as the server's `bigint`; the greatest `bigint` for anything greater.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An index or a count as the server's `int`.
pub(crate) fn place(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// A position from the server's `bigint`.
pub(crate) fn position(number: i64) -> Option<SequencePosition> {
    u64::try_from(number).ok().and_then(SequencePosition::new)
}

/// A timeout as the server's settings take it, at least 1 ms: 0 would mean no timeout.
pub(crate) fn milliseconds(timeout: Duration) -> String {
    format!("{}ms", timeout.as_millis().clamp(1, i32::MAX as u128))
}

/// A duration as the server's `int`, in milliseconds.
pub(crate) fn whole_milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
