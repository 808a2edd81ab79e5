use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    events::Events,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store_error::StoreError,
    stream_name::StreamName,
    turns::Turns,
};

mod pointers;

/// An append-only log of events: the contract that every backend keeps and the conformance suite proves.
///
/// For implementers; callers find more in [`EventStoreExt`](crate::EventStoreExt). The trait is
/// dyn-compatible: `Arc<dyn EventStore>` is a store. A backend keeps events and nothing else: no
/// commands, no views, no effects.
///
/// # Ordering
/// - Positions are unique and strictly increase in the order of each batch; gaps are allowed.
/// - Once the store has told a read that it is complete up to a position, no event of the read's query
///   ever appears at or below that position.
/// - A handle reads its own acknowledged writes; every other handle on the same log does so too once
///   the append has returned.
///
/// # Boundaries
/// - Two appends, each of which would break the other's condition, never both succeed, from whichever
///   handle, thread or process they come.
/// - The condition is checked against everything accepted before the batch, and never against the batch.
/// - What made the store refuse an append is visible to every handle once the refusal is told: the event that
///   broke the condition, the events up to the actual revision, or the event that has the id.
///
/// # Several runtimes
/// A store may outlive the runtime in which it was used. Used from another runtime it works, or returns an
/// error at once. Dropping it anywhere neither panics nor hangs.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// The identity that the log was given when it was created. Every handle on the log tells the same one,
    /// before and after a restart, and no other log has it. A position means something only beside it, so keep
    /// both wherever a position is kept outside of the log. A wrapper forwards it.
    ///
    /// A copy of the log, such as a restored backup, has the same identity: it is the same log at an earlier
    /// time.
    fn log_id(&self) -> &str;

    /// Reads the events that match `query`, in order of position, from one snapshot of the log.
    ///
    /// The snapshot is taken while `read` runs, before it returns: everything that was acknowledged before the
    /// call is in it, and nothing is that was accepted after the return, however late a record is taken from the
    /// stream.
    ///
    /// [`Events::observed`] tells how far the snapshot is complete, and is sound as the `after` of a
    /// condition with the same query or one that it [covers](Query::covers).
    ///
    /// # Errors
    /// [`StoreError`], here or as an item of the stream. A position past the head is no error: nothing
    /// is after it.
    ///
    /// # Cancellation
    /// Safe, here and between records.
    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError>;

    /// Reads the events of one stream, in order of position, which is also the order of revision, from a snapshot
    /// taken as by [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read). A stream that does not exist has no events.
    ///
    /// # Cancellation
    /// As [`read`](Self::read).
    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError>;

    /// Appends the batch as one unit, or nothing, and returns its records in order. Durable when it
    /// returns; each backend states what it means by that.
    ///
    /// The store checks in this order: the batch is not empty; it is within the store's
    /// [limits](crate::Limits); its ids differ from one another; they are new to the log; the condition holds. A
    /// duplicate is named by the first id, in the order of the batch, that fails its check.
    /// So a batch that is sent again because its outcome was unknown is recognised by its ids, even if its
    /// condition no longer holds. Events with a stream get the stream's next revisions, from 0 without
    /// gaps; a batch may mix streams, and events without one.
    ///
    /// # Errors
    /// [`AppendError`]. A refused append leaves no trace in the log, the head or any revision.
    ///
    /// # Cancellation
    /// A dropped future leaves all of the batch or nothing, now or shortly after; each backend says
    /// which. To find out, append the batch again with the same ids.
    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError>;

    /// Appends the batch as [`append`](Self::append) does, under two conditions at once: the log holds no event that
    /// matches `exists`, however old, and no event that matches `guard` was accepted after the position `after`.
    ///
    /// A [`Dispatcher`](crate::Dispatcher) appends the commands with idempotency keys by it: `exists` selects what
    /// has one of the keys, so whether they are new costs no read.
    ///
    /// The checks of the ids come before both conditions. The items of both queries together count against
    /// [`items_per_query`](crate::Limits::items_per_query).
    ///
    /// By default it reads `exists` and then calls `append`: one read more, and as exact. A store that checks
    /// both in the transaction of the append saves the read: the backends of this workspace do. A wrapper
    /// forwards it.
    ///
    /// # Errors
    /// As [`append`](Self::append). The [conflict](crate::Conflict::EventsMatch) names the query that an event
    /// matched: `exists` without a position, or `guard` with `after`. A store that cannot tell which of them it was names
    /// a query with the items of both.
    ///
    /// # Cancellation
    /// As [`append`](Self::append).
    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        read_and_append(self, events, exists, guard, after).await
    }

    /// The last position of the log; `None` if it is empty.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn head(&self) -> Result<Option<SequencePosition>, StoreError>;

    /// Resolves once there may be an event after `after`. It may resolve early, but must resolve if there is
    /// one: appended through any handle and by any process, before the call or during it.
    ///
    /// If `after` is above the head, it waits until the log has grown past that position.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Cancellation
    /// Safe.
    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError>;

    /// The [turns](Turns) that dispatches through this handle take on boundaries where appends conflict.
    ///
    /// A store makes them with the handle, and tells the same ones in every call and through each clone: who takes
    /// others competes. Every dispatch asks, so the answer comes at once. Beyond that a store has nothing to do for
    /// them: a dispatch takes its turn, and gives it back however it ends. No outcome depends on them, and they
    /// exclude nobody, so the store checks each condition as ever.
    ///
    /// A wrapper forwards this. Through one that does not, dispatches need more attempts.
    ///
    /// `None`, the default, if an attempt in vain costs the store next to nothing.
    fn turns(&self) -> Option<&Turns> {
        None
    }
}

/// What [`EventStore::append_unless`] does by default.
pub(crate) async fn read_and_append<S: EventStore + ?Sized>(
    store: &S,
    events: Vec<NewEvent>,
    exists: Query,
    guard: Query,
    after: Option<SequencePosition>,
) -> Result<Vec<Recorded<Bytes>>, AppendError> {
    let mut found = store.read(&exists, ReadOptions::all().limit(1)).await?;
    let observed = found.observed();
    let first = found.next().await.transpose()?;
    drop(found);
    let condition = match first {
        // It cannot hold any more: this tells the checks that come before it.
        Some(_) => AppendCondition::fail_if_events_match(exists),
        // None exists up to what was observed.
        None => {
            AppendCondition::fail_if_events_match(guard.union(&exists)).after(after.min(observed))
        }
    };
    store.append(events, condition).await
}
