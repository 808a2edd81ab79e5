//! Checks that the tags of one key have values of one type, while the application is compiled.

use super::text::{Text, equal};

/// A key of tags, and what is known of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub struct TagKey {
    key: &'static str,
    /// The type of the values; empty where it is not known.
    value: &'static str,
    /// The event that makes the tags.
    event: &'static str,
}

impl TagKey {
    /// In place of a key, until it is known.
    pub const EMPTY: Self = Self::new("", "", "");

    /// The key of this event's tags.
    #[must_use]
    pub const fn new(key: &'static str, value: &'static str, event: &'static str) -> Self {
        Self { key, value, event }
    }
}

/// Does not compile if two events have a key whose values are of two types: a query of both could ask for one of
/// them only. Each event is listed once with each of its keys.
///
/// # Panics
/// With the key and both types.
pub const fn assert_one_value_type(keys: &[TagKey]) {
    let mut i = 0;
    while i < keys.len() {
        let mut j = i + 1;
        while j < keys.len() {
            let (a, b) = (keys[i], keys[j]);
            let is_known = !a.value.is_empty() && !b.value.is_empty();
            if is_known && equal(a.key, b.key) && !equal(a.value, b.value) {
                refuse(a, b);
            }
            j += 1;
        }
        i += 1;
    }
}

const fn refuse(a: TagKey, b: TagKey) -> ! {
    Text::new()
        .and("one tag key, two value types: `")
        .and(a.key)
        .and("` is `")
        .and(a.value)
        .and("` in ")
        .and(a.event)
        .and(" and `")
        .and(b.value)
        .and("` in ")
        .and(b.event)
        .and(": give one of the fields another key")
        .panic()
}
