use std::cell::Cell;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeSeed};

use guard::{Check, Watched};

#[cfg(feature = "cbor")]
pub(crate) mod cbor;
pub(crate) mod error;
pub(crate) mod guard;
#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(feature = "messagepack")]
pub(crate) mod message_pack;
#[cfg(feature = "postcard")]
pub(crate) mod postcard;
pub(crate) mod read_back;

/// A format of payloads: how the values of an event type are encoded and decoded.
///
/// The event type chooses the codec, not the store.
///
/// `encode` must refuse every value that `decode` would not read back equal. `decode` must refuse bytes
/// that are left over after the value.
///
/// # What is encoded comes back
/// A derived event is refused at `encode` if it would not come back equal, since an event that can never be read
/// blocks its boundary for ever. The codecs of factos refuse NaN, which does not equal itself, `Some` of a value
/// that is written as nothing, and more than 127 lists, maps and structs within each other; reading is bounded as
/// well, so that no payload overflows the stack. Beyond that a payload is read back before it is stored:
///
/// - always, if what is read depends on what was written (untagged and internally tagged enums,
///   `#[serde(flatten)]`, 128-bit integers, fields that are written and not read), and for a codec of your own;
/// - else once for each shape of the event, that is, for the same fields, variants and kinds of values.
///
/// What was read is compared by all that it hands to serde, and where the type chose what to read, also by the
/// event's `PartialEq`, if it has one. So derive `PartialEq` on events: without it two variants of an untagged
/// enum that hold the same fields cannot be told apart. A field with `#[serde(skip)]` is not stored, and comes back
/// as its default.
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
    /// The error of `encode` and `decode`.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A stable name, kept in the metadata of every event whose payload is not JSON.
    const NAME: &'static str;

    /// Writes a value.
    ///
    /// # Errors
    /// For a value that could not be read back equal.
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Self::Error>;

    /// As [`encode`](Self::encode), and what is known of the value then. The codecs of factos tell whether it
    /// must be read back before it is stored; of another one every payload is.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    #[doc(hidden)]
    fn encode_checked<T>(value: &T, check: &Check) -> Result<Bytes, Self::Error>
    where
        T: Serialize + ?Sized,
    {
        let payload = Self::encode(value)?;
        check.look_at(value);
        Ok(payload)
    }

    /// Reads the value that the seed describes.
    ///
    /// # Errors
    /// For bytes that are not such a value, or that go on after it.
    fn decode<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
    ) -> Result<S::Value, Self::Error>;

    /// As [`decode`](Self::decode), and notes whether the value chooses what to read by what was written. The
    /// codecs of factos do both by the same code, which is then compiled once.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    #[doc(hidden)]
    fn decode_watched<'de, S: DeserializeSeed<'de>>(
        seed: S,
        payload: &'de [u8],
        chooses: Option<&Cell<bool>>,
    ) -> Result<S::Value, Self::Error> {
        match chooses {
            Some(chooses) => Self::decode(Watched { seed, chooses }, payload),
            None => Self::decode(seed, payload),
        }
    }
}
