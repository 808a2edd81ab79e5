use std::fmt;

use crate::{
    decider::Decider, metadata::Metadata, recorded::Recorded, store::EventStore,
    stream_name::StreamName, text_rules::InvalidText, transactional_store::TransactionalStore,
};

mod attempt;
mod attempted;
mod boundary;
mod commit;
mod context;
mod dispatch_attempt;
mod dispatch_stream;
mod dispatched;
mod dispatcher;
mod earlier;
mod error;
mod fingerprint;
mod fold;
mod idempotency;
mod key_tag;
mod loaded_stream;
mod log;
mod options;
mod request;
mod retry;
mod span;
mod terms;

use attempt::Attempt;
use boundary::{Boundary, Facts};
use dispatch_attempt::Observer;
use idempotency::IdempotencyKey;

pub(crate) use idempotency::is_nothing;
use options::{Cause, Options, boundary_options, shared_options, stream_name};
use request::Request;

pub use attempted::Attempted;
pub use context::{Context, read_context};
pub use dispatch_attempt::{AttemptOutcome, DispatchAttempt};
pub use dispatch_stream::{DispatchStream, dispatch_stream};
pub use dispatched::Dispatched;
pub use dispatcher::{Dispatcher, SharedDispatch};
pub use error::{
    Error, GuardNotCovered, Infrastructure, InvalidArgument, KeyDifference, KeyReused,
    OutcomeUnknown, OutsideBoundary, Split,
};
pub use key_tag::MAX_IDEMPOTENCY_KEY_BYTES;
pub use loaded_stream::{LoadedStream, load_stream};
pub use retry::Retry;

/// Runs a command on a store: reads, decides, and appends unless a further relevant event was accepted.
///
/// It reads the decider's context, folds it while it streams, decides, and appends under the condition that
/// no event of the guard was accepted since. On a conflict it reads what came since, and decides again, in its
/// [turn](crate::Turns) if the store has turns.
///
/// Add options, then [`run`](Dispatch::run) it. Where many commands meet on one boundary, or come to the same ones
/// again and again, a [`Dispatcher`] does the same at less cost.
///
/// ```
/// # use factos::{Bytes, EncodeError, Error, Event, EventType, Schema, Tags, TypeInfo, Undecodable};
/// # struct Sold;
/// # impl Event for Sold {
/// #     const SCHEMA: &'static Schema = &Schema::new(&[TypeInfo::new("Sold", 1, "Sold")]);
/// #     fn event_type(&self) -> EventType { EventType::from_static("Sold") }
/// #     fn version(&self) -> u32 { 1 }
/// #     fn tags(&self) -> Result<Tags, EncodeError> { Ok(Tags::new()) }
/// #     fn encode(&self) -> Result<Bytes, EncodeError> { Ok(Bytes::new()) }
/// #     fn decode(_: &EventType, _: u32, _: &[u8]) -> Result<Self, Undecodable> { Ok(Self) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error<&'static str>> {
/// use factos::{Retry, decider_fn, dispatch};
///
/// let office = decider_fn(
///     || 0,
///     |sold, _: &Sold| sold + 1,
///     |sold, seats: &u32| if sold < seats { Ok(vec![Sold]) } else { Err("sold out") },
/// );
/// let store = factos_memory::MemoryStore::new();
/// let done = dispatch(&store, &office).retry(Retry::attempts(3)).run(&1).await?;
/// assert_eq!((done.records.len(), done.state), (1, 1));
/// let refused = dispatch(&store, &office).run(&1).await;
/// assert!(matches!(refused, Err(Error::Domain("sold out"))));
/// # Ok(())
/// # }
/// ```
///
/// # In a task
/// A dispatch asks no more of its types than its own traits do. Where generic code spawns one as a task,
/// these bounds suffice:
///
/// ```
/// # use factos::{Decider, EventStore};
/// async fn sell<S, D>(store: &S, decider: &D, command: &D::Command) -> bool
/// where
///     S: EventStore + 'static,
///     D: Decider + Send + Sync + 'static,
///     D::Command: Send + Sync + 'static,
///     D::Event: Send,
///     D::State: Send,
/// {
///     factos::dispatch(store, decider).run(command).await.is_ok()
/// }
/// ```
pub fn dispatch<'a, S, D>(store: &'a S, decider: &'a D) -> Dispatch<'a, S, D>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    Dispatch { store, decider, options: Options::default() }
}

/// A builder: the store, the decider and the options of a dispatch; made by [`dispatch`].
#[must_use = "a dispatch does nothing until it is run"]
pub struct Dispatch<'a, S: ?Sized, D: ?Sized> {
    store: &'a S,
    decider: &'a D,
    options: Options<'a>,
}

impl<'a, S, D> Dispatch<'a, S, D>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    shared_options!('a);

    boundary_options!();

    /// Runs the command. A decision without events is a success without an append.
    ///
    /// If the outcome of an append is unknown, the same batch is sent again until the store knows it, a
    /// bounded number of times and with the pauses of [`Retry`]. Nothing is decided anew in the meantime.
    ///
    /// # Errors
    /// [`Error`]. An argument that cannot be used is reported here, before anything is read.
    ///
    /// # Cancellation
    /// A dropped future leaves all of the command's events in the log, or none. To find out, run the
    /// command again under the same idempotency key.
    pub async fn run(
        self,
        command: &D::Command,
    ) -> Result<Dispatched<D::Event, D::State>, Error<D::Error>> {
        let store = self.store;
        self.attempt(command)?.run_on(store).await
    }

    /// Runs the command within a transaction of the caller's: what it reads is what the transaction sees, and
    /// what it appends is in the log once the caller commits. The caller's own changes to the same database
    /// are committed with it, or rolled back.
    ///
    /// It is tried once: after a conflict the transaction has to be rolled back and begun anew, which is up to
    /// the caller. [`TransactionalStore`] says what the transaction holds up until it ends.
    ///
    /// # Errors
    /// As [`run`](Self::run), but never [`Error::OutcomeUnknown`]: the outcome is that of the caller's commit.
    /// After [`Error::Store`] the transaction can only be rolled back.
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

    fn attempt<'c>(self, command: &'c D::Command) -> Result<Attempt<'c, D>, Infrastructure>
    where
        'a: 'c,
    {
        let envelope = self.options.envelope()?;
        let mut facts = Facts::of(self.decider, command)?;
        if let Some(key) = &self.options.key {
            facts = facts.or_key(key);
        }
        let boundary = Boundary::Facts(facts);
        let request = Request { boundary, options: self.options, envelope };
        Ok(Attempt { decider: self.decider, command, request })
    }
}

impl<S: ?Sized, D: ?Sized> fmt::Debug for Dispatch<'_, S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("options", &self.options).finish_non_exhaustive()
    }
}
