//! Parts that most stores need, for authors of backends.
//!
//! **Exempt from semantic versioning**: a patch release may change anything here.
//!
//! | part | for |
//! |---|---|
//! | [`Batch`], [`LogState`], [`refusal`] | every check of an append, in the order of the contract |
//! | [`record`], [`now`], [`micros_of`], [`time_of_micros`] | the record of an accepted event, and its time |
//! | [`Selection`], [`PagedRead`] | reads that go from page to page over one snapshot |
//! | [`Head`], [`Poll`] | [`wait_past`](crate::EventStore::wait_past) |
//! | [`AppendRequest`], [`Group`], [`Queue`] | group commit by a thread of the store's own |
//!
//! All of it is optional, and nothing here needs a runtime. Besides it stand
//! [`Payloads`](crate::Payloads), [`ReadCursor`](crate::ReadCursor), [`Limits`](crate::Limits),
//! [`Tags::as_lines`](crate::Tags::as_lines) and [`Metadata::as_text`](crate::Metadata::as_text).
//!
//! # A writer with group commit
//! One thread takes appends from a queue. Those that wait share one commit; each has its own verdict,
//! and none is told before the commit. `Engine` stands for a database that commits durably.
//!
//! ```
//! use std::{sync::Arc, thread};
//!
//! use factos::{
//!     AppendCondition, AppendError, EventId, EventType, Limits, NewEvent, Page, Query, Revision,
//!     SequencePosition, StoreError, StoreErrorKind, StreamName,
//!     backend::{AppendRequest, Batch, Group, GroupLimits, LogState, Queue, now, record, refusal},
//! };
//!
//! #[derive(Default)]
//! struct Engine {
//!     records: Page,
//! }
//!
//! impl LogState for Engine {
//!     type Error = std::io::Error;
//!
//!     fn taken_id(&mut self, events: &[NewEvent]) -> std::io::Result<Option<EventId>> {
//!         let is_taken = |id: &EventId| self.records.iter().any(|record| record.id == *id);
//!         Ok(events.iter().map(|event| event.id).find(is_taken))
//!     }
//!
//!     fn first_match(
//!         &mut self,
//!         query: &Query,
//!         after: Option<SequencePosition>,
//!     ) -> std::io::Result<Option<SequencePosition>> {
//!         let mut new = self.records.iter().filter(|record| Some(record.position) > after);
//!         let found = new.find(|record| query.matches(&record.event_type, &record.tags));
//!         Ok(found.map(|record| record.position))
//!     }
//!
//!     fn revision(&mut self, _: &StreamName) -> std::io::Result<Revision> {
//!         Ok(Revision::NoEvents) // this engine knows no streams
//!     }
//! }
//!
//! impl Engine {
//!     fn append(&mut self, batch: &Batch) -> std::io::Result<Result<Page, AppendError>> {
//!         if let Some(refusal) = refusal(self, batch)? {
//!             return Ok(Err(refusal));
//!         }
//!         let first = self.records.len() as u64;
//!         let positions = (first..).map(|before| SequencePosition::FIRST.saturating_add(before));
//!         let recorded_at = now();
//!         let events = batch.events().iter().cloned().zip(positions);
//!         let records: Page =
//!             events.map(|(event, position)| record(event, position, None, recorded_at)).collect();
//!         self.records.extend(records.iter().cloned());
//!         Ok(Ok(records))
//!     }
//!
//!     fn commit(&mut self) -> std::io::Result<()> {
//!         Ok(()) // flushes
//!     }
//! }
//!
//! fn write(mut engine: Engine, queue: &Queue<AppendRequest<Batch>>) {
//!     while let Some(first) = queue.pop() {
//!         let mut group = Group::new(GroupLimits { appends: 256, bytes: 16 << 20 });
//!         group.push(first);
//!         let mut outcome = Ok(());
//!         while let Some(batch) = group.next() {
//!             match engine.append(batch) {
//!                 Ok(verdict) => group.record(verdict),
//!                 Err(error) => {
//!                     outcome = Err(error);
//!                     break;
//!                 }
//!             }
//!             group.take(|| queue.try_pop());
//!         }
//!         match outcome.and_then(|()| engine.commit()) {
//!             Ok(()) => group.committed(),
//!             Err(error) => {
//!                 let kind = StoreErrorKind::OutcomeUnknown;
//!                 group.fail(|| StoreError::new(kind, error.to_string()).into());
//!             }
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), AppendError> {
//! let queue = Arc::new(Queue::new());
//! let requests = Arc::clone(&queue);
//! let writer = thread::spawn(move || write(Engine::default(), &requests));
//!
//! let event = NewEvent::new(EventType::from_static("DoorOpened"), "{}");
//! let batch = Batch::new(vec![event], AppendCondition::None, &Limits::FLOOR)?;
//! let (request, reply) = AppendRequest::new(batch);
//! let closed = || StoreError::new(StoreErrorKind::Other, "the store was closed");
//! queue.push(request).map_err(|_| closed())?;
//! let records = reply.verdict_or(|| closed().into()).await?;
//! assert_eq!(records[0].position.get(), 1);
//!
//! queue.close();
//! writer.join().unwrap();
//! # Ok(())
//! # }
//! ```

mod append_request;
mod batch;
mod group;
mod head;
mod log_state;
mod paged_read;
mod poll;
mod queue;
mod read_and_append;
mod record;
mod recorded_at;
mod selection;

pub use append_request::{AppendReply, AppendRequest, Verdict, Weight};
pub use batch::Batch;
pub use group::{Group, GroupLimits};
pub use head::{Closed, Head};
pub use log_state::{LogState, refusal};
pub use paged_read::PagedRead;
pub use poll::{Follower, Poll};
pub use queue::Queue;
pub use read_and_append::read_and_append;
pub use record::record;
pub use recorded_at::{micros_of, now, time_of_micros};
pub use selection::Selection;

pub use crate::checkpoint::CheckpointKey;
