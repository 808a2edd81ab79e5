use crate::text_rules::MAX_TEXT_BYTES;

/// The key of the tag that holds an idempotency key.
pub(super) const TAG_KEY: &str = "factos.key";

/// The longest idempotency key, in bytes of UTF-8.
///
/// With the key of its tag and a colon it makes the longest tag.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = MAX_TEXT_BYTES - TAG_KEY.len() - 1;
