//! A writer that goes straight to a node, past everything that knows who leads.

use factos::{AppendCondition, AppendError, EventStore};
use factos_postgres::{Config, PostgresStore};
use tokio::task::JoinHandle;

use crate::{
    boundaries::counted,
    ledger::{Advice, Ledger},
    nodes::{leader, node_url},
    raw_appends::{Counters, RawWriter},
};

pub(crate) struct Stray {
    number: usize,
    store: PostgresStore,
    ledger: Ledger,
}

impl Stray {
    /// On a log, through the node that leads now.
    pub(crate) async fn at(config: &Config, number: usize) -> Self {
        let store = config.clone().connect(&node_url(&leader().await)).await.unwrap();
        let mut ledger = Ledger::default();
        let event = counted(&format!("early-{number}"), None, 0);
        ledger.acknowledge(&store.append(event, AppendCondition::None).await.unwrap());
        Self { number, store, ledger }
    }

    /// Sends an append, which the node may get to see when it leads no longer, and then follows the advice: on to the
    /// node that leads. What was told in the end is in the ledger.
    pub(crate) fn send(mut self, leading: PostgresStore) -> JoinHandle<Ledger> {
        tokio::spawn(async move {
            let batch = counted(&format!("late-{}", self.number), None, 0);
            let may_be_there = match self.store.append(batch.clone(), AppendCondition::None).await {
                Ok(records) => {
                    self.ledger.acknowledge(&records);
                    return self.ledger;
                }
                Err(AppendError::Store(error)) => self.ledger.told.note(&error) == Advice::Append,
                Err(error) => panic!("no error of a failover: {error:?}"),
            };
            let Self { number, ledger, .. } = self;
            let counters = Counters::Own;
            let mut writer = RawWriter { number, store: leading, counters, ledger };
            writer.append(batch, AppendCondition::None, may_be_there).await.unwrap();
            writer.ledger
        })
    }
}
