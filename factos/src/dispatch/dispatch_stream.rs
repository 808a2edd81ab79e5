use std::fmt;

use crate::{
    decider::Decider,
    dispatch::{
        attempt::Attempt,
        boundary::Boundary,
        dispatched::Dispatched,
        error::{Error, InvalidArgument},
        idempotency::IdempotencyKey,
        options::{Cause, Options, shared_options, stream_name},
        retry::Retry,
    },
    metadata::Metadata,
    recorded::Recorded,
    store::EventStore,
    stream_name::StreamName,
    text_rules::InvalidText,
};

/// Runs a command against one stream: reads and folds all of it, decides, and appends to it under the
/// condition that no event was appended to it since.
///
/// The decider's context and guard are not used: the stream is the boundary, and every record in it must
/// decode into the decider's event.
///
/// ```
/// # use factos::{Decider, DispatchStream, EventStore};
/// # fn example<'a, S: EventStore, D: Decider>(store: &'a S, decider: &'a D) -> DispatchStream<'a, S, D> {
/// factos::dispatch_stream(store, decider, "cart-1").idempotency_key("order-77")
/// # }
/// ```
pub fn dispatch_stream<'a, S, D>(
    store: &'a S,
    decider: &'a D,
    stream: impl TryInto<StreamName, Error: Into<InvalidText>>,
) -> DispatchStream<'a, S, D>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    DispatchStream { store, decider, stream: stream_name(stream), options: Options::default() }
}

/// A dispatch to one stream with its options, before it is run; see [`dispatch_stream`].
#[must_use = "a dispatch does nothing until it is run"]
pub struct DispatchStream<'a, S: ?Sized, D: ?Sized> {
    store: &'a S,
    decider: &'a D,
    stream: Result<StreamName, InvalidArgument>,
    options: Options,
}

impl<S, D> DispatchStream<'_, S, D>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    shared_options!();

    /// Makes the command take effect once in this stream: if events in it carry the key, they are
    /// returned as [replayed](Dispatched::replayed), and nothing is decided. In another stream the same
    /// text is another key. A command that led to no events is not remembered.
    pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
        self.options.key = self.options.accept(IdempotencyKey::new(key.as_ref()));
        self
    }

    /// Runs the command.
    ///
    /// # Errors
    /// [`Error`]. An argument that cannot be used is reported here, before anything is read.
    ///
    /// # Cancellation
    /// As for [`Dispatch::run`](crate::Dispatch::run).
    pub async fn run(
        mut self,
        command: &D::Command,
    ) -> Result<Dispatched<D::Event, D::State>, Error<D::Error>> {
        let stream = self.stream?;
        let envelope = self.options.envelope()?;
        self.options.stream = Some(stream.clone());
        Attempt {
            store: self.store,
            decider: self.decider,
            command,
            boundary: Boundary::Stream(stream),
            options: self.options,
            envelope,
        }
        .run()
        .await
    }
}

impl<S: ?Sized, D: ?Sized> fmt::Debug for DispatchStream<'_, S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatchStream")
            .field("stream", &self.stream)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
