//! What handles the events of one partition, for as long as its process has the lease.

mod batch;
mod item;
mod one_by_one;
mod parked;
mod steps;

use std::{collections::BTreeSet, error::Error, sync::Arc};

use factos::{Anchor, ErrorKind, ErrorReport, EventStore, EventStoreExt, Query, SequencePosition};
use tokio::time::Instant;

use crate::{
    handler::Handler,
    options::Options,
    orders::{Orders, Stop},
    port::{Grant, NewParked, PartitionId, Port, PortError, Token, Until},
    progress::Progress,
    run_error::{RunError, is_passing},
    trace,
};

/// What a worker of any consumer has.
pub(crate) struct Worker<P: Port, H> {
    store: Arc<dyn EventStore>,
    port: P,
    handler: Arc<H>,
    options: Options,
    partition: PartitionId,
    token: Token,
    partitions: u32,
    until: Option<Until>,
    orders: Orders,
    /// Where the partition is, as it is kept.
    kept: Option<SequencePosition>,
    /// Where it has come to, which is not kept yet.
    pending: Option<Pending>,
    /// The keys that have parked events.
    blocked: BTreeSet<String>,
    /// When something was kept last.
    kept_at: Option<Instant>,
    /// When a parked event is to be tried again.
    due_at: Option<Instant>,
    progress: Progress,
}

/// A move that is not kept yet.
struct Pending {
    to: Anchor,
    /// What is parked with it.
    park: Vec<NewParked>,
    /// Until when it is to be kept.
    at: Instant,
}

/// What all workers of a run share.
#[derive(Clone)]
pub(crate) struct Context<P> {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) port: P,
    pub(crate) progress: Progress,
}

/// Why a worker ended, without an error of its consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to.
    Stopped,
    /// It has come to where the partition stops, before the number of partitions changes.
    Drained,
    /// Its lease is another process's.
    Lost,
    /// The database or the log failed: a new worker may go on from what is kept.
    Broken,
}

/// Why a worker does not go on.
#[derive(Debug)]
enum Halt {
    Ended(Ended),
    Failed(Box<RunError>),
}

impl Halt {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Ended(Ended::Stopped) => "stopped",
            Self::Ended(Ended::Drained) => "drained",
            Self::Ended(Ended::Lost) => "lost",
            Self::Ended(Ended::Broken) => "broken",
            Self::Failed(_) => "failed",
        }
    }
}

type Step<T> = Result<T, Halt>;

impl<P: Port, H: Handler<P::Tx>> Worker<P, H> {
    pub(crate) fn new(
        context: Context<P>,
        handler: Arc<H>,
        options: Options,
        partition: PartitionId,
        grant: &Grant,
        orders: Orders,
    ) -> Self {
        let Context { store, port, progress } = context;
        Self {
            store,
            port,
            progress,
            handler,
            options,
            partition,
            token: grant.token,
            partitions: grant.partitions,
            until: grant.resize,
            orders,
            kept: None,
            kept_at: None,
            pending: None,
            blocked: grant.blocked.iter().cloned().collect(),
            due_at: Some(Instant::now()),
        }
    }

    /// Handles events until it is told to stop or an event stops it, and gives the lease back.
    pub(crate) async fn run(mut self, anchor: Option<Anchor>) -> Result<Ended, RunError> {
        trace::leased(&self.partition);
        let halt = match self.go_on(anchor).await {
            Ok(never) => match never {},
            Err(halt) => self.end(halt).await,
        };
        // What cannot be given back runs out by itself.
        drop(self.port.release(&self.partition, self.token).await);
        trace::released(&self.partition, halt.as_str());
        match halt {
            Halt::Ended(ended) => Ok(ended),
            Halt::Failed(error) => Err(*error),
        }
    }

    /// Keeps what is done, and what went wrong.
    async fn end(&mut self, halt: Halt) -> Halt {
        if !matches!(halt, Halt::Ended(Ended::Lost | Ended::Broken))
            && let Err(other) = self.flush().await
            && matches!(halt, Halt::Ended(_))
        {
            return other;
        }
        if let Halt::Failed(error) = &halt {
            let text = error.report().to_string();
            drop(self.port.report(&self.partition, self.token, &text).await);
        }
        halt
    }

    async fn go_on(&mut self, anchor: Option<Anchor>) -> Step<std::convert::Infallible> {
        let query = self.query()?;
        self.kept = match self.store.resume(anchor).await {
            Ok(kept) => kept,
            Err(error) => return Err(self.log_failed(error.kind(), error)),
        };
        let store = Arc::clone(&self.store);
        let mut events = store.subscribe(query, self.kept).page(self.options.page);
        loop {
            self.check_orders()?;
            let (due_at, keep_at) = (self.due_at, self.pending.as_ref().map(|pending| pending.at));
            tokio::select! {
                () = self.orders.changed() => {
                    if self.orders.take_due() {
                        self.due_at = Some(Instant::now());
                    }
                }
                () = at(due_at) => self.retry_parked().await?,
                () = at(keep_at) => self.flush().await?,
                batch = events.next() => match batch {
                    Ok(batch) => self.batch(batch).await?,
                    Err(error) => return Err(self.log_failed(error.kind(), error)),
                },
            }
        }
    }

    fn query(&self) -> Step<Query> {
        let query = self.handler.query();
        query.as_query().cloned().map_err(|error| self.failed(None, 0, error))
    }

    /// Whether it may go on.
    fn check_orders(&self) -> Step<()> {
        match self.orders.stop() {
            Some(Stop::GiveBack) => return Err(Halt::Ended(Ended::Stopped)),
            Some(Stop::Lost) => return Err(Halt::Ended(Ended::Lost)),
            None => {}
        }
        match self.until {
            Some(Until(until)) if self.reached() >= until => Err(Halt::Ended(Ended::Drained)),
            _ => Ok(()),
        }
    }

    /// The end of the whole run, by what an event or the log has come to.
    fn failed(
        &self,
        position: Option<SequencePosition>,
        attempts: u32,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Halt {
        Halt::Failed(Box::new(RunError::Consumer {
            partition: self.partition.clone(),
            position,
            attempts,
            error: error.into(),
        }))
    }

    /// The end of this worker by an error of the log.
    fn log_failed(&self, kind: ErrorKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Halt {
        if is_passing(kind) { Halt::Ended(Ended::Broken) } else { self.failed(None, 0, error) }
    }

    fn port_failed(&self, error: PortError) -> Halt {
        match error {
            PortError::LeaseLost(_) => Halt::Ended(Ended::Lost),
            error if is_passing(error.kind()) => Halt::Ended(Ended::Broken),
            error => self.failed(self.kept, 0, error),
        }
    }
}

/// Waits until then; for ever without a time.
async fn at(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}
