use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

#[cfg(feature = "cbor")]
pub(crate) mod cbor;
pub(crate) mod error;
#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(feature = "messagepack")]
pub(crate) mod message_pack;
#[cfg(feature = "postcard")]
pub(crate) mod postcard;
pub(crate) mod read_back;

/// How the payloads of an event type are encoded and decoded. The event type chooses the codec, not the
/// store.
///
/// `encode` must refuse every value that `decode` would not read back equal. `decode` must refuse bytes
/// that are left over after the value.
///
/// One log may hold payloads of several codecs: the metadata of every event holds the
/// [`NAME`](Self::NAME) of its codec, unless that is JSON, and an event type with another codec refuses to
/// decode the event. You can write a codec of your own, here JSON with indentation:
///
/// ```
/// use factos::{Bytes, Codec, CodecError, Event, Json};
/// use factos::serde::{Serialize, de::DeserializeSeed};
///
/// struct Pretty;
///
/// impl Codec for Pretty {
///     type Error = CodecError;
///     const NAME: &'static str = "pretty-json";
///
///     fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
///         let payload = Json::encode(value).map_err(CodecError::new)?;
///         Ok([&b"  "[..], &payload].concat().into())
///     }
///
///     fn decode<'de, S: DeserializeSeed<'de>>(
///         seed: S,
///         payload: &'de [u8],
///     ) -> Result<S::Value, CodecError> {
///         Json::decode(seed, payload).map_err(CodecError::new)
///     }
/// }
///
/// #[derive(Debug, PartialEq, Event)]
/// #[event(codec = Pretty)]
/// struct Closed;
///
/// assert_eq!(Closed.encode()?, "  {}");
/// assert_eq!(factos::encode(&Closed)?.metadata.codec(), Some("pretty-json"));
/// # Ok::<(), factos::EncodeError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a codec",
    note = "implement `factos::Codec` for it, or name one of the codecs of factos"
)]
pub trait Codec {
    /// What `encode` and `decode` fail with.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A stable name, kept in the metadata of every event whose payload is not JSON.
    const NAME: &'static str;

    /// Writes a value.
    ///
    /// # Errors
    /// For a value that could not be read back equal.
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Self::Error>;

    /// As [`encode`](Self::encode), and whether it is in doubt that the payload can be read back. A payload
    /// in doubt is decoded once before it is stored, so that a value which its type cannot read back is
    /// refused before anything is lost. By default every payload is in doubt.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn encode_doubtful<T: Serialize + ?Sized>(value: &T) -> Result<(Bytes, bool), Self::Error> {
        Ok((Self::encode(value)?, true))
    }

    /// Reads the value that the seed describes.
    ///
    /// # Errors
    /// For bytes that are not such a value, or that go on after it.
    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, Self::Error>;
}
