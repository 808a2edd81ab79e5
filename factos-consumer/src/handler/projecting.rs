use std::{error::Error, sync::Arc};

use factos::{QueryFor, Recorded};
use futures_util::{FutureExt, future::BoxFuture};

use super::handling::{Failed, Handler, Place};
use crate::{
    orders::Orders,
    partition_key::PartitionKey,
    port::{ConsumerId, Succession, Work},
    projection::Projection,
};

/// A projection, run in the transactions of its steps.
pub(crate) struct Projecting<J>(Arc<J>);

impl<J> Projecting<J> {
    pub(crate) fn new(projection: J) -> Self {
        Self(Arc::new(projection))
    }
}

impl<J: Projection> Handler<J::Tx> for Projecting<J> {
    type Event = J::Event;

    const IS_TRANSACTIONAL: bool = true;
    const SUCCESSION: Succession = Succession::Rebuild;

    fn id(&self) -> ConsumerId {
        ConsumerId::new(J::NAME, J::VERSION)
    }

    fn query(&self) -> QueryFor<J::Event> {
        self.0.query()
    }

    fn key(&self, record: &Recorded<J::Event>) -> Option<PartitionKey> {
        self.0.key(record)
    }

    async fn prepare(
        &self,
        records: Vec<Recorded<J::Event>>,
        _: Place,
        _: &Orders,
    ) -> Result<Option<Box<dyn Work<J::Tx>>>, Failed> {
        Ok(Some(Box::new(Application { projection: Arc::clone(&self.0), records })))
    }
}

/// Some events that are to be applied.
struct Application<J: Projection> {
    projection: Arc<J>,
    records: Vec<Recorded<J::Event>>,
}

impl<J: Projection> Work<J::Tx> for Application<J> {
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut J::Tx,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        async move { self.projection.apply(tx, &self.records).await.map_err(Into::into) }.boxed()
    }
}
