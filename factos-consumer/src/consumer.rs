use std::sync::Arc;

use factos::{InvalidQuery, Query};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    handler::Handler,
    options::{Options, Start},
    orders::Orders,
    port::{ConsumerId, ConsumerState, Grant, PartitionId, Port, Registration},
    run_error::RunError,
    worker::{Context, Ended, Worker},
};

/// How many times as many events a version that is rebuilt handles at a time.
const REBUILD_PAGES: usize = 4;

/// A consumer of any kind.
pub(crate) trait Consumer<P>: Send + Sync {
    fn id(&self) -> ConsumerId;

    fn registration(&self, partitions: u32) -> Registration;

    fn start(&self) -> Start;

    fn query(&self) -> Result<Query, InvalidQuery>;

    /// Handles the events of a partition that was leased.
    fn work(
        &self,
        context: Context<P>,
        leased: Leased,
        orders: Orders,
    ) -> BoxFuture<'static, Result<Ended, RunError>>;
}

/// A partition that was leased, of a version in this state.
pub(crate) struct Leased {
    pub(crate) partition: PartitionId,
    pub(crate) grant: Grant,
    pub(crate) state: ConsumerState,
}

/// A consumer whose handler is this.
pub(crate) struct Handled<H> {
    handler: Arc<H>,
    options: Options,
}

impl<H> Handled<H> {
    pub(crate) fn new(handler: H, options: Options) -> Self {
        Self { handler: Arc::new(handler), options }
    }
}

impl<P: Port, H: Handler<P::Tx>> Consumer<P> for Handled<H> {
    fn id(&self) -> ConsumerId {
        self.handler.id()
    }

    fn registration(&self, partitions: u32) -> Registration {
        let partitions = self.options.partitions.unwrap_or(partitions);
        let consumer = self.handler.id();
        Registration { consumer, partitions, succession: H::SUCCESSION, start: None }
    }

    fn start(&self) -> Start {
        self.options.start
    }

    fn query(&self) -> Result<Query, InvalidQuery> {
        self.handler.query().as_query().cloned()
    }

    fn work(
        &self,
        context: Context<P>,
        leased: Leased,
        orders: Orders,
    ) -> BoxFuture<'static, Result<Ended, RunError>> {
        let Leased { partition, grant, state } = leased;
        let mut options = self.options.clone();
        if state == ConsumerState::Beside {
            options.page = options.page.saturating_mul(REBUILD_PAGES);
        }
        let handler = Arc::clone(&self.handler);
        let worker = Worker::new(context, handler, options, partition, &grant, orders);
        worker.run(grant.anchor).boxed()
    }
}
