//! Values as SQL. Statements are sent without parameters: what is prepared lives in a session, and a pooler may give the
//! next statement to another one.

use std::{fmt, fmt::Write, time::Duration};

use factos::SequencePosition;

/// Longer pauses and leases are this long.
const MOST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// What stands for a U+0000, which a text of the server cannot hold, and for itself.
const ESCAPE: char = '\u{1}';

/// A text, as [`unescaped`] reads it back. One of plain letters is readable in the server's log; no other one can end
/// the literal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_.:/@#".contains(c);
        if self.0.chars().all(is_plain) {
            return write!(f, "'{}'::pg_catalog.text", self.0);
        }
        f.write_str("pg_catalog.convert_from(pg_catalog.decode('")?;
        for byte in escaped(self.0).bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("', 'hex'), 'UTF8')")
    }
}

/// The text without U+0000.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The text that was escaped; `None` if this is none.
pub(super) fn unescaped(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut chars = escaped.chars();
    while let Some(c) = chars.next() {
        match (c, c == ESCAPE) {
            (_, true) => text.push(match chars.next()? {
                '0' => '\0',
                '1' => ESCAPE,
                _ => return None,
            }),
            (c, false) => text.push(c),
        }
    }
    Some(text)
}

/// An array of this type, of values as SQL.
pub(super) fn array<T: fmt::Display>(of: &str, values: impl IntoIterator<Item = T>) -> String {
    let mut sql = "ARRAY[".to_owned();
    for (value, index) in values.into_iter().zip(0..) {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a text does not fail.
        let _ = write!(sql, "{comma}{value}");
    }
    sql + "]::pg_catalog." + of + "[]"
}

/// NULL, if there is none.
pub(super) fn nullable(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| value.to_string())
}

/// The number of a position, which is below 2^63.
pub(super) fn number(position: SequencePosition) -> i64 {
    position.get().cast_signed()
}

/// Its length in microseconds, at least one if it is not zero.
pub(super) fn microseconds(duration: Duration) -> i64 {
    let duration = duration.min(MOST);
    i64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX)
}

/// The time that is so far from when the statement runs.
pub(super) fn from_now(duration: Duration) -> String {
    format!(
        "(pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) \
         ({}::pg_catalog.float8 OPERATOR(pg_catalog.*) '1 microsecond'::pg_catalog.interval))",
        microseconds(duration)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_escaped_comes_back_and_holds_no_zero(text in "[\\x00\\x01a01\u{e9}]{0,12}") {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains('\0'));
            prop_assert_eq!(unescaped(&escaped), Some(text));
        }

        #[test]
        fn no_text_ends_its_literal(text in ".*['\\\\$]?.*") {
            let sql = Text(&text).to_string();
            prop_assert_eq!(sql.matches('\'').count() % 2, 0);
            prop_assert!(!sql.contains('\\'));
        }
    }

    #[test]
    fn durations_are_bounded_and_none_becomes_zero() {
        assert_eq!(microseconds(Duration::from_nanos(1)), 1);
        assert_eq!(microseconds(Duration::MAX), 100 * 365 * 24 * 60 * 60 * 1_000_000);
    }
}
