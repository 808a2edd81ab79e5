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

/// How the payload of an event type becomes bytes and back. Belongs to the event type, not to a store.
///
/// Must refuse at `encode` whatever its own `decode` could not read back equal, and refuse at `decode`
/// bytes that are left over.
///
/// One log may hold payloads of several codecs: the [`NAME`](Self::NAME) stands in the metadata of every
/// event but those of JSON, and an event type of another codec refuses to read it. A codec of one's own,
/// here JSON with indentation:
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

    /// A stable name, kept beside the payloads of every codec but JSON.
    const NAME: &'static str;

    /// Writes a value.
    ///
    /// # Errors
    /// For a value that could not be read back equal.
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Self::Error>;

    /// As [`encode`](Self::encode), and whether only reading tells that the payload can be read. A payload
    /// in doubt is read once before it is stored, so that what the shape of a type rules out is refused
    /// while nothing is lost. By default every payload is in doubt.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    fn encode_doubtful<T: Serialize + ?Sized>(value: &T) -> Result<(Bytes, bool), Self::Error> {
        Ok((Self::encode(value)?, true))
    }

    /// Reads what the seed describes.
    ///
    /// # Errors
    /// For bytes that are not what the seed describes, or more than it.
    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, Self::Error>;
}
