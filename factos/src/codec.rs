use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

#[cfg(feature = "json")]
mod json;

#[cfg(feature = "json")]
pub use json::{Json, JsonError};

/// How the payload of an event type becomes bytes and back. Belongs to the event type, not to a store.
///
/// Must refuse at `encode` whatever its own `decode` could not read back equal, and refuse at `decode`
/// bytes that are left over.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec",
    note = "events are written as JSON by default, which needs the feature `json` of factos"
)]
pub trait Codec {
    /// What `encode` and `decode` fail with.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A stable name, kept beside the payloads of every codec but JSON.
    const NAME: &'static str;

    /// Writes a value.
    ///
    /// # Errors
    /// For a value that could not be read back equal.
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Self::Error>;

    /// Reads what the seed describes.
    ///
    /// # Errors
    /// For bytes that are not what the seed describes, or more than it.
    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, Self::Error>;
}
