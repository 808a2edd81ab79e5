use std::{fmt, hash::Hasher};

use siphasher::sip::SipHasher13;

/// What decides on the partition of an event: events of one key are handled in the order of the log, one after the
/// other, whatever fails and whoever takes over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey(String);

impl PartitionKey {
    /// The key of what this displays: a number, an id, a text.
    pub fn new(key: impl fmt::Display) -> Self {
        Self(key.to_string())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number that decides on the partition: the rest of it by the number of partitions. Below 2^63, and the same in
    /// every process and release: SipHash-1-3 of the text, with a key of zeros, without its lowest bit.
    #[must_use]
    pub fn slot(&self) -> u64 {
        let mut hasher = SipHasher13::new();
        hasher.write(self.0.as_bytes());
        hasher.finish() >> 1
    }
}

impl From<String> for PartitionKey {
    fn from(key: String) -> Self {
        Self(key)
    }
}

impl From<&str> for PartitionKey {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
