use std::{error::Error, marker::PhantomData};

use serde::de::DeserializeOwned;

use super::serde_payload::SerdePayload;
use crate::{codec::Codec, event_error::Undecodable};

/// The type that an upcast step takes: the payload of an older version.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a stored payload",
    note = "add `#[derive(factos::Payload)]` to it, or serde's `Deserialize`"
)]
pub trait UpcastInput: Sized {
    /// Decodes the payload by the codec `C`.
    ///
    /// # Errors
    /// [`Undecodable::Malformed`].
    fn read<C: Codec>(payload: &[u8]) -> Result<Self, Undecodable>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> UpcastInput for T {
    fn read<C: Codec>(payload: &[u8]) -> Result<Self, Undecodable> {
        C::decode(PhantomData, payload).map_err(|cause| Undecodable::Malformed(cause.into()))
    }
}

/// Reads the payload of an older version of `E`.
///
/// # Errors
/// [`Undecodable::Malformed`].
pub fn read<E: SerdePayload, T: UpcastInput>(payload: &[u8]) -> Result<T, Undecodable> {
    T::read::<E::Codec>(payload)
}

/// The error of an upcast step that refused a payload of version `from`.
pub fn refused(from: u32, error: impl Into<Box<dyn Error + Send + Sync>>) -> Undecodable {
    Undecodable::Upcast { from, source: error.into() }
}
