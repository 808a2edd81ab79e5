//! What stands between a value and a format: refuses what the format would change without a word or could
//! not read, and bounds the depth in both directions.

#![cfg_attr(
    not(any(feature = "json", feature = "messagepack", feature = "cbor", feature = "postcard")),
    allow(dead_code, unused_imports, reason = "only the codecs of the library write through it")
)]

mod deserializer;
mod digest;
mod limits;
mod nothing;
mod serializer;
mod shape;

pub(crate) use deserializer::{Guarded, Watched};
pub(crate) use limits::Format;
#[cfg(feature = "json")]
pub(crate) use limits::MAX_DEPTH;
pub use serializer::Check;
pub(crate) use serializer::write;
pub(crate) use shape::{Doubt, is_proven, prove};
