use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_util::future::poll_fn;

use super::{
    batch::Batch,
    error::{SubscribeError, is_final},
    raw::{Ready, State, Subscription},
};
use crate::{
    dispatch::is_nothing, event::Event, position::SequencePosition, store::EventStore,
    typed_events::Unknown,
};

/// A subscription whose events are decoded into `E`.
///
/// Made by [`Subscription::events`], and like it but for this: an event of a type that `E` does not know fails or is
/// skipped, as [`Unknown`] says, and an event of a known type that does not decode always fails. The events
/// before it are given out first. An event that only remembers a command without events
/// ([`remember_no_op`](crate::Dispatch::remember_no_op)) is always passed over, and not counted.
#[must_use = "a subscription does nothing unless polled"]
pub struct TypedSubscription<'a, S: ?Sized, E> {
    raw: Subscription<'a, S>,
    unknown: Unknown,
    event: PhantomData<fn() -> E>,
}

impl<'a, S: EventStore + ?Sized> Subscription<'a, S> {
    /// The same subscription with its events decoded into `E`, and what becomes of events of a type that `E` does not
    /// know.
    pub const fn events<E: Event>(self, unknown: Unknown) -> TypedSubscription<'a, S, E> {
        TypedSubscription::new(self, unknown)
    }
}

impl<'a, S: EventStore + ?Sized, E: Event> TypedSubscription<'a, S, E> {
    const fn new(raw: Subscription<'a, S>, unknown: Unknown) -> Self {
        Self { raw, unknown, event: PhantomData }
    }

    /// As [`Subscription::page`]; events that are skipped count.
    pub fn page(self, events: usize) -> Self {
        Self { raw: self.raw.page(events), ..self }
    }

    /// As [`Subscription::through`].
    #[must_use]
    pub const fn through(&self) -> Option<SequencePosition> {
        self.raw.through()
    }

    /// As [`Subscription::is_live`].
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.raw.is_live()
    }

    /// As [`Subscription::next`].
    ///
    /// # Errors
    /// [`SubscribeError`]; one of an event that does not decode names the event.
    ///
    /// # Cancellation
    /// Safe, as [`Subscription::next`].
    pub async fn next(&mut self) -> Result<Batch<E>, SubscribeError> {
        poll_fn(|context| self.poll_batch(context)).await
    }

    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Result<Batch<E>, SubscribeError>> {
        let Ready { batch, then } = ready!(self.raw.poll_ready(context))?;
        let (batch, is_whole) = self.decode(batch)?;
        self.raw.give_out(&batch, if is_whole { then } else { State::Start });
        Poll::Ready(Ok(batch))
    }

    /// The batch up to the first event that does not decode, and whether that is all of it.
    fn decode(&self, batch: Batch) -> Result<(Batch<E>, bool), SubscribeError> {
        let (mut records, mut skipped) = (Vec::with_capacity(batch.records.len()), 0);
        let mut through = None;
        for record in batch.records {
            let position = record.position;
            if !is_nothing(&record) {
                match self.unknown.decode(record) {
                    Ok(Some(record)) => records.push(record),
                    Ok(None) => skipped += 1,
                    Err(error) if through.is_none() => return Err(error.into()),
                    Err(_) => {
                        return Ok((Batch { records, through, is_live: false, skipped }, false));
                    }
                }
            }
            through = Some(position);
        }
        let Batch { through, is_live, .. } = batch;
        Ok((Batch { records, through, is_live, skipped }, true))
    }
}

impl<S: EventStore + ?Sized, E: Event> Stream for TypedSubscription<'_, S, E> {
    type Item = Result<Batch<E>, SubscribeError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.raw.has_ended {
            return Poll::Ready(None);
        }
        let outcome = ready!(self.poll_batch(context));
        self.raw.has_ended = is_final(&outcome);
        Poll::Ready(Some(outcome))
    }
}

impl<S: ?Sized, E> fmt::Debug for TypedSubscription<'_, S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedSubscription")
            .field("raw", &self.raw)
            .field("unknown", &self.unknown)
            .finish()
    }
}
