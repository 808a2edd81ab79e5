use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{fixture::PortFixture, progress::Progress, script::Script};
use crate::port::{
    Beat, ConsumerId, ConsumerRow, ConsumerState, Decision, Grant, Parked, ParkedCount,
    ParkedQuery, PartitionId, Port, PortError, ProcessId, Registration, Selection, Snapshot, Step,
    Token,
};

/// How often a call may fail as retryable, one time after the other.
const MOST_TRIES: u32 = 500;

/// How long a call that failed as retryable waits for its next try.
const PAUSE: Duration = Duration::from_millis(5);

/// A handle on the tables of a case. Its calls are made again if they fail as retryable.
#[derive(Clone)]
pub(super) struct Handle {
    port: Arc<dyn AnyPort>,
    progress: Progress,
}

/// A port, whatever its type.
trait AnyPort: Send + Sync {
    fn register<'a>(
        &'a self,
        registration: &'a Registration,
    ) -> BoxFuture<'a, Result<ConsumerState, PortError>>;

    fn beat<'a>(&'a self, beat: &'a Beat) -> BoxFuture<'a, Result<Snapshot, PortError>>;

    fn acquire<'a>(
        &'a self,
        process: &'a ProcessId,
        partition: &'a PartitionId,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Option<Grant>, PortError>>;

    fn release<'a>(
        &'a self,
        partition: &'a PartitionId,
        token: Token,
    ) -> BoxFuture<'a, Result<(), PortError>>;

    fn leave<'a>(&'a self, process: &'a ProcessId) -> BoxFuture<'a, Result<(), PortError>>;

    fn commit(&self, step: Step, work: Option<Script>) -> BoxFuture<'_, Result<(), PortError>>;

    fn report<'a>(
        &'a self,
        partition: &'a PartitionId,
        token: Token,
        error: &'a str,
    ) -> BoxFuture<'a, Result<(), PortError>>;

    fn consumers(&self) -> BoxFuture<'_, Result<Vec<ConsumerRow>, PortError>>;

    fn parked<'a>(
        &'a self,
        query: &'a ParkedQuery,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Parked>, PortError>>;

    fn count_parked<'a>(
        &'a self,
        consumer: &'a ConsumerId,
    ) -> BoxFuture<'a, Result<ParkedCount, PortError>>;

    fn decide<'a>(
        &'a self,
        consumer: &'a ConsumerId,
        selection: &'a Selection,
        decision: &'a Decision,
    ) -> BoxFuture<'a, Result<u64, PortError>>;

    fn promote<'a>(
        &'a self,
        consumer: &'a ConsumerId,
        work: Option<Script>,
    ) -> BoxFuture<'a, Result<(), PortError>>;

    fn retire<'a>(&'a self, consumer: &'a ConsumerId) -> BoxFuture<'a, Result<(), PortError>>;
}

struct OfPort<F: PortFixture>(F::Port);

/// Forwards calls to the port.
macro_rules! forwarded {
    ($($name:ident($($argument:ident: $type:ty),*) -> $output:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $type),*) -> BoxFuture<'a, Result<$output, PortError>> {
            Box::pin(self.0.$name($($argument),*))
        })*
    };
}

impl<F: PortFixture> AnyPort for OfPort<F> {
    forwarded! {
        register(registration: &'a Registration) -> ConsumerState;
        beat(beat: &'a Beat) -> Snapshot;
        acquire(process: &'a ProcessId, partition: &'a PartitionId, lease: Duration) -> Option<Grant>;
        release(partition: &'a PartitionId, token: Token) -> ();
        leave(process: &'a ProcessId) -> ();
        report(partition: &'a PartitionId, token: Token, error: &'a str) -> ();
        consumers() -> Vec<ConsumerRow>;
        parked(query: &'a ParkedQuery, most: u32) -> Vec<Parked>;
        count_parked(consumer: &'a ConsumerId) -> ParkedCount;
        decide(consumer: &'a ConsumerId, selection: &'a Selection, decision: &'a Decision) -> u64;
        retire(consumer: &'a ConsumerId) -> ();
    }

    fn commit(&self, step: Step, work: Option<Script>) -> BoxFuture<'_, Result<(), PortError>> {
        Box::pin(self.0.commit(step, work.map(Script::work::<F>)))
    }

    fn promote<'a>(
        &'a self,
        consumer: &'a ConsumerId,
        work: Option<Script>,
    ) -> BoxFuture<'a, Result<(), PortError>> {
        Box::pin(self.0.promote(consumer, work.map(Script::work::<F>)))
    }
}

/// The calls that no case expects to fail.
impl Handle {
    pub(super) fn new<F: PortFixture>(port: F::Port, progress: Progress) -> Self {
        Self { port: Arc::new(OfPort::<F>(port)), progress }
    }

    pub(super) async fn register(&self, registration: &Registration) -> ConsumerState {
        self.done("register", || self.port.register(registration)).await
    }

    /// Registers what may be refused.
    pub(super) async fn try_register(
        &self,
        registration: &Registration,
    ) -> Result<ConsumerState, PortError> {
        self.tried("register", || self.port.register(registration)).await
    }

    pub(super) async fn beat(&self, beat: &Beat) -> Snapshot {
        self.done("beat", || self.port.beat(beat)).await
    }

    pub(super) async fn acquire(
        &self,
        process: &str,
        partition: &PartitionId,
        lease: Duration,
    ) -> Option<Grant> {
        let process = ProcessId(process.to_owned());
        self.done("acquire", || self.port.acquire(&process, partition, lease)).await
    }

    pub(super) async fn release(&self, partition: &PartitionId, token: Token) {
        self.done("release", || self.port.release(partition, token)).await;
    }

    pub(super) async fn leave(&self, process: &str) {
        let process = ProcessId(process.to_owned());
        self.done("leave", || self.port.leave(&process)).await;
    }

    pub(super) async fn report(&self, partition: &PartitionId, token: Token, error: &str) {
        self.done("report", || self.port.report(partition, token, error)).await;
    }

    pub(super) async fn consumers(&self) -> Vec<ConsumerRow> {
        self.done("consumers", || self.port.consumers()).await
    }

    pub(super) async fn parked(&self, query: &ParkedQuery, most: u32) -> Vec<Parked> {
        self.done("parked", || self.port.parked(query, most)).await
    }

    pub(super) async fn count_parked(&self, consumer: &ConsumerId) -> ParkedCount {
        self.done("count_parked", || self.port.count_parked(consumer)).await
    }

    pub(super) async fn decide(
        &self,
        consumer: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> u64 {
        self.done("decide", || self.port.decide(consumer, selection, decision)).await
    }
}

/// The calls that a case may expect to fail.
impl Handle {
    pub(super) async fn commit(&self, step: Step, work: Option<Script>) -> Result<(), PortError> {
        self.tried("commit", || self.port.commit(step.clone(), work.clone())).await
    }

    pub(super) async fn promote(
        &self,
        consumer: &ConsumerId,
        work: Option<Script>,
    ) -> Result<(), PortError> {
        self.tried("promote", || self.port.promote(consumer, work.clone())).await
    }

    pub(super) async fn retire(&self, consumer: &ConsumerId) -> Result<(), PortError> {
        self.tried("retire", || self.port.retire(consumer)).await
    }

    /// The call, made again while it fails as retryable.
    async fn tried<'a, T>(
        &self,
        what: &str,
        call: impl Fn() -> BoxFuture<'a, Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let mut tries = 0;
        loop {
            let outcome = call().await;
            self.progress.step();
            match outcome {
                Err(PortError::Database(error)) if error.is_retryable() => {
                    tries += 1;
                    assert!(tries < MOST_TRIES, "{what} fails as retryable each time: {error:?}");
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn done<'a, T>(
        &self,
        what: &str,
        call: impl Fn() -> BoxFuture<'a, Result<T, PortError>>,
    ) -> T {
        let outcome = self.tried(what, call).await;
        outcome.unwrap_or_else(|error| panic!("{what} is done, and came to {error:?}"))
    }
}
