use std::{fmt, sync::Arc};

use crate::{
    decider::Decider,
    dispatch::{dispatched::Dispatched, error::Error, options::Options, retry::Retry},
    store::EventStore,
};

mod batch;
mod boundaries;
mod command;
mod core;
mod draft;
mod guards;
mod line;
mod look_up;
mod memory;
mod rivals;
mod round;
mod shared_dispatch;
mod yield_once;

use self::core::Core;

pub use shared_dispatch::SharedDispatch;

/// Runs the commands of one process together, and decides them from memory.
///
/// [`dispatch`](crate::dispatch()) runs one command: it reads, decides and appends. A dispatcher lives as long
/// as the service, and its commands have the same outcomes at less cost:
///
/// - **Together.** Commands with the same context are decided one after the other, each on the state that the
///   earlier ones lead to, and their events are appended as one batch under one condition. Each caller is told
///   the outcome of its own command.
/// - **From memory.** The state of a boundary is kept, with the position up to which it is complete. A command
///   that leads to events is decided from it and appended without a read before. Only after a conflict, and
///   before a command is refused, what came since is read. Where the guard is narrower than the context, what came
///   since is read before each batch.
/// - **Once.** That an idempotency key is new is a condition of the append
///   ([`append_unless`](EventStore::append_unless)). What an earlier command left under it is read only if that does not
///   hold, and before a command that has a key is refused.
///
/// What is kept is a cache: every append is made under the condition that no event of the guard was accepted
/// since. Other processes, other dispatchers and plain dispatches may append to the same log.
///
/// A clone shares everything.
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
/// use factos::{Dispatcher, decider_fn};
///
/// let office = decider_fn(
///     || 0,
///     |sold, _: &Sold| sold + 1,
///     |sold, seats: &u32| if sold < seats { Ok(vec![Sold]) } else { Err("sold out") },
/// );
/// let dispatcher = Dispatcher::new(factos_memory::MemoryStore::new(), office);
/// let done = dispatcher.run(1).await?;
/// assert_eq!(done.records.len(), 1);
/// let refused = dispatcher.dispatch().idempotency_key("order-2").run(1).await;
/// assert!(matches!(refused, Err(Error::Domain("sold out"))));
/// # Ok(())
/// # }
/// ```
///
/// # Order
/// Commands of one boundary are decided in the order in which they came. A command that has to wait, because
/// another one of its batch has the same idempotency key, is decided after those that came later.
///
/// # No task of its own
/// A dispatcher needs no runtime and spawns nothing: a batch is decided and appended by the future of one of its
/// callers, and by another one's if that is dropped. So poll the future of a command until it is done, or drop it: one that
/// is kept without being polled holds up the others of its boundary.
///
/// # Panics of a decider
/// A panic in [`decide`](Decider::decide) ends the command that it decided, by a panic of its caller. The others
/// go on.
pub struct Dispatcher<S, D: Decider> {
    core: Arc<Core<S, D>>,
    retry: Retry,
}

impl<S, D: Decider> Dispatcher<S, D> {
    /// A dispatcher of a decider's commands to a store.
    ///
    /// The store is most often an `Arc` or another handle that is cheap to clone.
    #[must_use]
    pub fn new(store: S, decider: D) -> Self
    where
        D::State: Clone,
    {
        Self::of(Core::new(store, decider, |state| Some(state.clone())))
    }

    /// The same for a state that cannot be cloned: after a conflict the whole boundary is read and folded again,
    /// instead of what came since.
    #[must_use]
    pub fn without_snapshots(store: S, decider: D) -> Self {
        Self::of(Core::new(store, decider, |_| None))
    }

    fn of(core: Core<S, D>) -> Self {
        Self { core: Arc::new(core), retry: Retry::default() }
    }

    /// Sets the number of attempts of a command and the pauses between them, unless the command has its own.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets of how many boundaries the state is kept; by default 10,000, at least one. The one that was used the
    /// longest ago is dropped first, and is read again if it is needed.
    #[must_use]
    pub fn max_boundaries(self, boundaries: usize) -> Self {
        self.core.boundaries.limit_entries(boundaries);
        self
    }

    /// Sets how many bytes the kept states may have, as `weigh` tells for each; by default there is no bound. A
    /// state counts twice, as a snapshot of it is kept as well.
    #[must_use]
    pub fn max_bytes(
        self,
        bytes: usize,
        weigh: impl Fn(&D::State) -> usize + Send + Sync + 'static,
    ) -> Self {
        self.core.boundaries.limit_bytes(bytes, Arc::new(weigh));
        self
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.core.store
    }

    /// The decider.
    #[must_use]
    pub fn decider(&self) -> &D {
        &self.core.decider
    }

    /// A dispatch with options of its own: add them, then [`run`](SharedDispatch::run) it.
    pub fn dispatch(&self) -> SharedDispatch<'_, S, D> {
        let options = Options { retry: self.retry.clone(), ..Options::default() };
        SharedDispatch { core: &self.core, options }
    }
}

impl<S, D> Dispatcher<S, D>
where
    S: EventStore + 'static,
    D: Decider<Command: Send, Event: Send, State: Send, Error: Send> + Send + Sync + 'static,
{
    /// Runs a command. The same as `dispatch().run(command)`.
    ///
    /// # Errors
    /// As [`SharedDispatch::run`].
    ///
    /// # Cancellation
    /// As for [`SharedDispatch::run`].
    pub async fn run(
        &self,
        command: D::Command,
    ) -> Result<Dispatched<D::Event, ()>, Error<D::Error>> {
        self.dispatch().run(command).await
    }
}

impl<S, D: Decider> Clone for Dispatcher<S, D> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), retry: self.retry.clone() }
    }
}

impl<S, D: Decider> fmt::Debug for Dispatcher<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("retry", &self.retry).finish_non_exhaustive()
    }
}
