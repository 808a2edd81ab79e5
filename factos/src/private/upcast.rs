use std::{error::Error, marker::PhantomData};

use serde::de::DeserializeOwned;

use super::serde_payload::SerdePayload;
use crate::{codec::Codec, event_error::Undecodable};

/// The type that an upcast step takes: the payload of an older version.
#[diagnostic::on_unimplemented(
    message = "an upcast step cannot take `{Self}`",
    label = "a step takes the payload of its version by value",
    note = "take the type itself, not a reference to it, and add `#[derive(factos::Payload)]` or serde's `Deserialize` to it"
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

/// What a step with `?` returns.
#[diagnostic::on_unimplemented(
    message = "an upcast step with `?` returns a `Result`, not `{Self}`",
    label = "remove the `?` after this step, or return a `Result`"
)]
pub trait FallibleStep<T, E> {
    /// The payload of the next version or the event, or why the step refused its payload.
    ///
    /// # Errors
    /// That of the step.
    fn result(self) -> Result<T, E>;
}

impl<T, E> FallibleStep<T, E> for Result<T, E> {
    fn result(self) -> Self {
        self
    }
}

/// The result of a step with `?`.
///
/// # Errors
/// That of the step.
pub fn result_of<T, E, R: FallibleStep<T, E>>(step: R) -> Result<T, E> {
    step.result()
}

/// What the last step returns: the event.
#[diagnostic::on_unimplemented(
    message = "the last upcast step returns the event, not `{Self}`",
    label = "expected `{E}`",
    note = "a step that may refuse its payload returns a `Result`, and is followed by `?`: `upcast(1 = function?)`"
)]
pub trait LastStep<E> {
    /// The event.
    fn event(self) -> E;
}

impl<E> LastStep<E> for E {
    fn event(self) -> E {
        self
    }
}

/// The event that the last step returned.
pub fn event_of<E, R: LastStep<E>>(step: R) -> E {
    step.event()
}
