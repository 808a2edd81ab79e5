use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;

use crate::{
    dispatch::{Infrastructure, is_nothing},
    event::{Event, decode},
    event_error::{DecodeError, Undecodable},
    events::Events,
    position::SequencePosition,
    recorded::Recorded,
};

/// The treatment of events whose stored type the event type does not know: they fail, or are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unknown {
    /// It is an error, which names it.
    #[default]
    Fail,
    /// It is passed over, and counted.
    Skip,
}

impl Unknown {
    /// The record, decoded; none if it is passed over.
    pub(crate) fn decode<E: Event>(
        self,
        record: Recorded<Bytes>,
    ) -> Result<Option<Recorded<E>>, DecodeError> {
        match decode(record) {
            Err(DecodeError { cause: Undecodable::UnknownType, .. }) if self == Self::Skip => {
                Ok(None)
            }
            decoded => decoded.map(Some),
        }
    }

    /// The record, decoded; `None` if it is passed over: an event of an unknown type that is to be skipped, or one that only
    /// remembers a command without events ([`remember_no_op`](crate::Dispatch::remember_no_op)).
    ///
    /// # Errors
    /// [`DecodeError`], which names the event.
    pub fn decode_record<E: Event>(
        self,
        record: Recorded<Bytes>,
    ) -> Result<Option<Recorded<E>>, DecodeError> {
        if is_nothing(&record) { Ok(None) } else { self.decode(record) }
    }
}

/// The events of one read, decoded into `E`.
///
/// Made by [`EventStoreExt::events`](crate::EventStoreExt::events).
///
/// A [`Stream`] in the order of the read. After an error it has ended. An event that only remembers a command
/// without events ([`remember_no_op`](crate::Dispatch::remember_no_op)) is always passed over.
#[must_use = "a stream does nothing unless polled"]
pub struct TypedEvents<'a, E> {
    events: Events<'a>,
    unknown: Unknown,
    skipped: u64,
    has_failed: bool,
    event: PhantomData<fn() -> E>,
}

impl<'a, E: Event> TypedEvents<'a, E> {
    pub(crate) const fn new(events: Events<'a>) -> Self {
        Self { events, unknown: Unknown::Fail, skipped: 0, has_failed: false, event: PhantomData }
    }

    /// Sets what becomes of events of a type that `E` does not know: by default they fail.
    ///
    /// An event of a known type that does not decode always does.
    pub const fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// As [`Events::observed`].
    #[must_use]
    pub const fn observed(&self) -> Option<SequencePosition> {
        self.events.observed()
    }

    /// How many events of unknown types have been passed over.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next event; `None` when the read is complete.
    ///
    /// # Errors
    /// [`Infrastructure`]: the store failed, or an event does not decode. The read has then ended.
    ///
    /// # Cancellation
    /// Safe: an event is never lost.
    pub async fn next(&mut self) -> Option<Result<Recorded<E>, Infrastructure>> {
        StreamExt::next(self).await
    }

    /// All events that are left.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn collect(mut self) -> Result<Vec<Recorded<E>>, Infrastructure> {
        let mut all = Vec::new();
        while let Some(record) = self.next().await {
            all.push(record?);
        }
        Ok(all)
    }
}

impl<E: Event> Stream for TypedEvents<'_, E> {
    type Item = Result<Recorded<E>, Infrastructure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.has_failed {
            let decoded = match ready!(self.events.poll_next_unpin(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(record)) if is_nothing(&record) => continue,
                Some(Ok(record)) => self.unknown.decode(record).map_err(Into::into),
                Some(Err(error)) => Err(error.into()),
            };
            self.has_failed = decoded.is_err();
            match decoded.transpose() {
                Some(decoded) => return Poll::Ready(Some(decoded)),
                None => self.skipped += 1,
            }
        }
        Poll::Ready(None)
    }
}

impl<E> fmt::Debug for TypedEvents<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedEvents")
            .field("events", &self.events)
            .field("unknown", &self.unknown)
            .field("skipped", &self.skipped)
            .finish()
    }
}
