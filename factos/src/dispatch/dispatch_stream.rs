use std::fmt;

use crate::{
    decider::Decider,
    dispatch::{
        attempt::Attempt,
        boundary::Boundary,
        dispatch_attempt::{DispatchAttempt, Observer},
        dispatched::Dispatched,
        error::{Error, InvalidArgument},
        idempotency::IdempotencyKey,
        options::{Cause, Options, shared_options, stream_name},
        request::Request,
        retry::Retry,
    },
    metadata::Metadata,
    recorded::Recorded,
    store::EventStore,
    stream_name::StreamName,
    text_rules::InvalidText,
    transactional_store::TransactionalStore,
};

/// Runs a command against one stream: reads it, decides, and appends unless it has changed.
///
/// It reads and folds all of the stream, decides, and appends to it under the condition that no event was
/// appended to it since.
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

/// A builder: the store, the stream, the decider and the options of a dispatch; made by [`dispatch_stream`].
#[must_use = "a dispatch does nothing until it is run"]
pub struct DispatchStream<'a, S: ?Sized, D: ?Sized> {
    store: &'a S,
    decider: &'a D,
    stream: Result<StreamName, InvalidArgument>,
    options: Options<'a>,
}

impl<'a, S, D> DispatchStream<'a, S, D>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    shared_options!('a);

    /// Makes the command take effect once in this stream: if events in it carry the key, they are
    /// returned as [replayed](Dispatched::replayed), and nothing is decided. In another stream the same
    /// text is another key. A command that led to no events is remembered with
    /// [`remember_no_op`](Self::remember_no_op) alone, by an event in this stream that dispatches and
    /// [`load_stream`](crate::load_stream) pass over; one that the domain refused never is.
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
        self,
        command: &D::Command,
    ) -> Result<Dispatched<D::Event, D::State>, Error<D::Error>> {
        let store = self.store;
        self.attempt(command)?.run_on(store).await
    }

    /// Runs the command within a transaction of the caller's, as
    /// [`Dispatch::run_in`](crate::Dispatch::run_in) does.
    ///
    /// # Errors
    /// As [`Dispatch::run_in`](crate::Dispatch::run_in).
    ///
    /// # Cancellation
    /// Roll back.
    pub async fn run_in(
        self,
        transaction: &mut S::Transaction,
        command: &D::Command,
    ) -> Result<Dispatched<D::Event, D::State>, Error<D::Error>>
    where
        S: TransactionalStore,
    {
        let store = self.store;
        self.attempt(command)?.run_in(store, transaction).await
    }

    fn attempt<'c>(mut self, command: &'c D::Command) -> Result<Attempt<'c, D>, InvalidArgument>
    where
        'a: 'c,
    {
        let stream = self.stream?;
        let envelope = self.options.envelope()?;
        self.options.stream = Some(stream.clone());
        let boundary = Boundary::Stream(stream);
        let request = Request { boundary, options: self.options, envelope };
        Ok(Attempt { decider: self.decider, command, request })
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
