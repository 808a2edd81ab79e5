use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::{Stream, future::BoxFuture};
use futures_util::{StreamExt, future::poll_fn};

use crate::{
    events::{Events, Page},
    into_query::IntoQuery,
    invalid_query::InvalidQuery,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    store::EventStore,
    store_error::StoreError,
    subscription::{
        batch::Batch,
        error::{SubscribeError, is_final},
        pause::Pause,
    },
};

/// How many records a batch holds at most, unless [`page`](Subscription::page) says otherwise.
const PAGE: usize = 500;

/// The events of a query, from a position on: those that are in the log, and then each new one.
///
/// Made by [`EventStoreExt::subscribe`](crate::EventStoreExt::subscribe). It gives out [`Batch`]es, by
/// [`next`](Self::next) or as a [`Stream`], each event once and in the order of the log.
///
/// # Checkpoints
/// Every event of the query at or below [`Batch::through`] has been given out, and none is ever found there later. That
/// position, and no other, is what a checkpoint keeps once the batch is done with; a subscription with the same query
/// goes on from it without a gap or a repeat. It moves too when nothing matched. A record's own position, or a
/// [`head`](EventStore::head) read later, says no such thing of the events before it.
///
/// # What it costs
/// To catch up it makes one read, and takes batches from it. Between two batches the read stays open, which holds at
/// most what the store reads ahead; it holds nothing in the log. A batch is complete before it is given out.
///
/// Then it waits for the log to grow, and reads what is new. After a read that found nothing it pauses before the next
/// one, for 20 ms from the start of the other: beside a busy log, a query of which nothing is appended costs so many
/// reads, and so many batches without records, and not one for each append. Each looks at what is new alone. Where
/// sixty subscriptions of the process or more pause at a time, each does so for longer in proportion: a thousand for
/// 340 ms, and together they make some 3,000 reads a second. The pause is that of a thread that all subscriptions of a
/// process share, for there is no runtime to ask; it ends when there are none.
///
/// # Errors
/// An error leaves the subscription where it was. One that [is retryable](SubscribeError::is_retryable), such as a lost
/// connection, may be gone when it is polled again; with the others the same error comes again. As a [`Stream`] it ends
/// after an error that is not retryable. It never ends by itself.
#[must_use = "a subscription does nothing unless polled"]
pub struct Subscription<'a, S: ?Sized> {
    store: &'a S,
    query: Result<Query, InvalidQuery>,
    page: usize,
    /// Everything up to here has been given out.
    through: Option<SequencePosition>,
    is_live: bool,
    /// Whether it has ended as a stream.
    pub(super) has_ended: bool,
    pause: Pause,
    state: State<'a>,
}

/// What is under way. Nothing that was given out is in it, so that it may be dropped at any time.
pub(super) enum State<'a> {
    Start,
    Opening(BoxFuture<'a, Result<Events<'a>, SubscribeError>>),
    /// An open read, and the records of the next batch.
    Reading(Events<'a>, Page),
    /// Everything of the last read was given out.
    Done,
    Waiting(BoxFuture<'a, Result<(), StoreError>>),
    Pausing,
}

/// A batch that is not given out yet, and what is to be done after it.
pub(super) struct Ready<'a> {
    pub(super) batch: Batch,
    pub(super) then: State<'a>,
}

impl<'a, S: EventStore + ?Sized> Subscription<'a, S> {
    pub(crate) fn new(store: &'a S, query: impl IntoQuery, from: Option<SequencePosition>) -> Self {
        Self {
            store,
            query: query.into_query(),
            page: PAGE,
            through: from,
            is_live: false,
            has_ended: false,
            pause: Pause::default(),
            state: State::Start,
        }
    }

    /// Sets how many records a batch holds at most; 0 counts as 1. By default it is 500.
    pub fn page(mut self, events: usize) -> Self {
        self.page = events.max(1);
        self
    }

    /// The position up to which everything was given out: that of the last batch, or the one that it was made with.
    #[must_use]
    pub const fn through(&self) -> Option<SequencePosition> {
        self.through
    }

    /// Whether everything was given out that was in the log when it started to read.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.is_live
    }

    /// The next batch. It waits for one as long as it takes.
    ///
    /// # Errors
    /// [`SubscribeError`]. The subscription is then where it was.
    ///
    /// # Cancellation
    /// Safe: nothing is lost, nothing comes twice, and what was begun goes on with the next call.
    pub async fn next(&mut self) -> Result<Batch, SubscribeError> {
        poll_fn(|context| self.poll_batch(context)).await
    }

    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Result<Batch, SubscribeError>> {
        let Ready { batch, then } = ready!(self.poll_ready(context))?;
        self.give_out(&batch, then);
        Poll::Ready(Ok(batch))
    }

    /// A batch, of which the subscription knows nothing before it is [given out](Self::give_out): until then it is read
    /// again.
    pub(super) fn poll_ready(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Ready<'a>, SubscribeError>> {
        loop {
            match mem::replace(&mut self.state, State::Start) {
                State::Start => self.state = State::Opening(self.open()?),
                State::Opening(mut opening) => match opening.as_mut().poll(context)? {
                    Poll::Ready(events) => self.state = State::Reading(events, Vec::new()),
                    Poll::Pending => {
                        self.state = State::Opening(opening);
                        return Poll::Pending;
                    }
                },
                State::Reading(mut events, mut records) => {
                    if self.fill(&mut events, &mut records, context)?.is_pending() {
                        self.state = State::Reading(events, records);
                        return Poll::Pending;
                    }
                    if let Some(ready) = self.ready(events, records) {
                        return Poll::Ready(Ok(ready));
                    }
                }
                State::Done => {
                    self.state = State::Waiting(Box::pin(self.store.wait_past(self.through)));
                }
                State::Waiting(mut wait) => match wait.as_mut().poll(context)? {
                    Poll::Ready(()) => self.state = State::Pausing,
                    Poll::Pending => {
                        self.state = State::Waiting(wait);
                        return Poll::Pending;
                    }
                },
                State::Pausing => {
                    if self.pause.poll(context).is_pending() {
                        self.state = State::Pausing;
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn open(
        &mut self,
    ) -> Result<BoxFuture<'a, Result<Events<'a>, SubscribeError>>, SubscribeError> {
        let (store, from) = (self.store, self.through);
        let query = self.query.clone().map_err(SubscribeError::Query)?;
        self.pause.read_starts();
        Ok(Box::pin(async move {
            let events = store.read(&query, ReadOptions::all().after(from)).await?;
            // A read of another query may have been complete further on than this one is yet.
            if events.observed() < from {
                let head = store.head().await?;
                if let Some(from) = from.filter(|from| head < Some(*from)) {
                    return Err(SubscribeError::AboveHead { from, head });
                }
            }
            Ok(events)
        }))
    }

    /// Takes records until the batch is full or the read is complete.
    fn fill(
        &self,
        events: &mut Events<'a>,
        records: &mut Page,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), StoreError>> {
        loop {
            events.take_ready(self.page - records.len(), records);
            if records.len() == self.page {
                return Poll::Ready(Ok(()));
            }
            match ready!(events.poll_next_unpin(context)?) {
                Some(record) => records.push(record),
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// The batch of these records; none if there is nothing to tell.
    fn ready(&mut self, events: Events<'a>, records: Page) -> Option<Ready<'a>> {
        let cut_at = records.get(self.page - 1).map(|last| last.position);
        if cut_at.is_some() {
            let then = State::Reading(events, Vec::new());
            let batch = Batch { records, through: cut_at, is_live: false, skipped: 0 };
            return Some(Ready { batch, then });
        }
        let through = events.observed().max(self.through);
        self.pause.found(!records.is_empty());
        if records.is_empty() && through == self.through && self.is_live {
            self.state = State::Done;
            return None;
        }
        let batch = Batch { records, through, is_live: !self.is_live, skipped: 0 };
        Some(Ready { batch, then: State::Done })
    }

    pub(super) fn give_out<E>(&mut self, batch: &Batch<E>, then: State<'a>) {
        self.through = batch.through;
        self.is_live |= batch.is_live;
        self.state = then;
    }
}

impl<S: EventStore + ?Sized> Stream for Subscription<'_, S> {
    type Item = Result<Batch, SubscribeError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let outcome = ready!(self.poll_batch(context));
        self.has_ended = is_final(&outcome);
        Poll::Ready(Some(outcome))
    }
}

impl<S: ?Sized> fmt::Debug for Subscription<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("query", &self.query)
            .field("page", &self.page)
            .field("through", &self.through)
            .field("is_live", &self.is_live)
            .finish_non_exhaustive()
    }
}
