//! Where consumers keep what they must not forget: the contract of a backend's part.

mod consumer;
mod error;
mod lease;
mod parked;
mod process;
mod step;

use std::{future::Future, time::Duration};

pub use consumer::{
    ConsumerId, ConsumerRow, ConsumerState, PartitionRow, Registration, Resize, Succession,
};
pub use error::PortError;
pub use lease::{Beat, Grant, LiveProcess, PartitionId, Snapshot, Token, Until};
pub use parked::{Decision, Parked, ParkedCount, ParkedQuery, Selection};
pub use process::ProcessId;
pub use step::{Advance, Failure, NewParked, Settled, Step, Work};

/// Where consumers keep what they must not forget: versions, partitions, leases and parked events.
///
/// For implementers; applications use [`Consumers`](crate::Consumers). A clone is a handle on the same tables.
///
/// # What must hold
/// - Each call is one transaction: all of it is kept, or, with an error, nothing.
/// - **Time** is that of the database, when the statement runs that compares or keeps it; never that of a process, and
///   never that of the start of a transaction. Durations are counted from there.
/// - **Leases exclude by their token.** A token is compared in the transaction that writes, and rows are locked until it
///   ends: once a partition was granted anew, no step under the older token changes anything. That a lease has run
///   out does not end it: only that it was granted anew.
/// - Calls of several processes at once wait for one another or fail as retryable, and leave nothing half done.
///
/// `factos_consumer::conformance` has a case for each rule.
pub trait Port: Clone + Send + Sync + 'static {
    /// The open transaction that a consumer writes in.
    type Tx: Send;

    /// Makes a consumer known.
    ///
    /// The first version of a name is [live](ConsumerState::Live). A further one is beside the live one
    /// ([`Succession::Rebuild`]), or takes over ([`Succession::TakeOver`]): if it is higher than the live one, it is
    /// live from now on, and the other one retired; if it is lower, it is retired itself. One that does not take over has
    /// all of its partitions at [`Registration::start`]. A version that is known keeps its state, and where it is.
    ///
    /// **Taking over** waits for what is in hand: the retired version is granted no more leases, but what it has leased it may
    /// end, and the live one has no partitions. Once none of its partitions is leased, which this, [`beat`](Self::beat) and
    /// [`acquire`](Self::acquire) look at, the live version gets its partitions, positions and parked events, and a resize
    /// begins if they are not as many as registered.
    ///
    /// If the number of partitions is another one than is kept, and than is to come, a [`Resize`] begins: `until` is the
    /// highest position of its partitions, every lease of the version is ended (no step under a token from before
    /// changes anything), and leases that are granted from then on have `until`. Once no partition is below it and none
    /// is leased, which [`beat`](Self::beat) and [`acquire`](Self::acquire) look at, the partitions are replaced by as many
    /// as there are to be, at `until`. A version of which no partition has moved is divided at once. To register the number
    /// that is kept ends a resize that has begun.
    ///
    /// # Errors
    /// [`PortError::OtherKind`] if this version or another one of its name, retired or not, was registered with another
    /// succession; and others.
    fn register(
        &self,
        registration: &Registration,
    ) -> impl Future<Output = Result<ConsumerState, PortError>> + Send;

    /// The sign of life of a process: it is alive for as long as the lease says, and so are the leases that it holds by
    /// these tokens. Processes that were alive no more are forgotten.
    ///
    /// # Errors
    /// [`PortError`].
    fn beat(&self, beat: &Beat) -> impl Future<Output = Result<Snapshot, PortError>> + Send;

    /// Leases a partition that is free or whose lease has run out, under a token above all before; `None` if it is
    /// another process's, or there is no such partition, or the version is retired.
    ///
    /// # Errors
    /// [`PortError`].
    fn acquire(
        &self,
        process: &ProcessId,
        partition: &PartitionId,
        lease: Duration,
    ) -> impl Future<Output = Result<Option<Grant>, PortError>> + Send;

    /// Gives back a lease, if it still is held by this token.
    ///
    /// # Errors
    /// [`PortError`].
    fn release(
        &self,
        partition: &PartitionId,
        token: Token,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Ends the life of a process: it is forgotten, and its leases are given back.
    ///
    /// # Errors
    /// [`PortError`].
    fn leave(&self, process: &ProcessId) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Makes a step, with what the consumer writes: all of it, or nothing. The error of the partition is cleared.
    ///
    /// An event that is parked already stays as it is. What is settled and no longer parked is passed over.
    ///
    /// # Errors
    /// [`PortError::LeaseLost`] if the token is not that of the lease, [`PortError::Moved`] or
    /// [`PortError::OtherLog`] if the partition is not where the step begins, [`PortError::Work`] with the error or the
    /// panic of the work, and others.
    fn commit(
        &self,
        step: Step,
        work: Option<Box<dyn Work<Self::Tx>>>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Keeps what went wrong with a partition, if it still is held by this token.
    ///
    /// # Errors
    /// [`PortError`].
    fn report(
        &self,
        partition: &PartitionId,
        token: Token,
        error: &str,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// All versions of all consumers, by name and version.
    ///
    /// # Errors
    /// [`PortError`].
    fn consumers(&self) -> impl Future<Output = Result<Vec<ConsumerRow>, PortError>> + Send;

    /// Parked events, in the order of the log.
    ///
    /// # Errors
    /// [`PortError`].
    fn parked(
        &self,
        query: &ParkedQuery,
        most: u32,
    ) -> impl Future<Output = Result<Vec<Parked>, PortError>> + Send;

    /// How many events of a consumer are parked.
    ///
    /// # Errors
    /// [`PortError`].
    fn count_parked(
        &self,
        consumer: &ConsumerId,
    ) -> impl Future<Output = Result<ParkedCount, PortError>> + Send;

    /// Carries out what an administrator has decided, and tells how many events it was for. It moves no partition.
    ///
    /// # Errors
    /// [`PortError`].
    fn decide(
        &self,
        consumer: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> impl Future<Output = Result<u64, PortError>> + Send;

    /// Makes a version the live one, with what the application writes for it: all of it, or nothing. The one that was
    /// live goes on beside it ([`Succession::Rebuild`]), or is retired and hands over what it has, as
    /// [`register`](Self::register) says ([`Succession::TakeOver`]). A version that is live stays so, and the work is done.
    ///
    /// # Errors
    /// [`PortError::Unknown`]; [`PortError::IsRetired`] for a version to be rebuilt; [`PortError::Work`]; and others.
    fn promote(
        &self,
        consumer: &ConsumerId,
        work: Option<Box<dyn Work<Self::Tx>>>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Retires a version: it is leased no more, and its positions and parked events are gone. A version that is
    /// retired stays so.
    ///
    /// # Errors
    /// [`PortError::Unknown`], [`PortError::IsLive`], and others.
    fn retire(&self, consumer: &ConsumerId) -> impl Future<Output = Result<(), PortError>> + Send;
}
