//! A log on the server that it was restored on.

use std::{collections::HashMap, time::Duration};

use factos::{AppendError, EventId, EventStore, EventStoreExt, Page, Query};
use factos_postgres::{Mode, PostgresStore};

use crate::{
    audit::Findings,
    clients::Clients,
    cluster::Cluster,
    followers::Followers,
    original::handles,
    support::{sold, unless_sold},
};

/// For how long clients work on it, and how often if the machine has much else to do.
const TIME: Duration = Duration::from_secs(1);
const MOST_ROUNDS: usize = 60;

/// How many more decisions there are afterwards.
const DECISIONS: usize = 50;

pub(crate) struct Copy {
    handles: Vec<PostgresStore>,
    log: Page,
}

impl Copy {
    /// Opens it: each event is one of the original's, and each decision saw all that stands before it.
    pub(crate) async fn of(server: &Cluster, mode: Mode, history: &Page) -> Self {
        let handles = handles(server, mode).await;
        let log = handles[0].read_all(&Query::all()).await.unwrap();
        let original: HashMap<_, _> = history.iter().map(|record| (record.id, record)).collect();
        for record in &log {
            assert_eq!(original.get(&record.id), Some(&record), "{mode}");
        }
        let findings = Findings::of(&log, &[], &[]);
        println!("{mode}, restored {} of {}: {findings}", log.len(), history.len());
        assert!(findings.is_clean(), "{findings}");
        Self { handles, log }
    }

    pub(crate) const fn log(&self) -> &Page {
        &self.log
    }

    pub(crate) fn has(&self, id: EventId) -> bool {
        self.log.iter().any(|record| record.id == id)
    }

    /// Clients decide on it, and followers see it from its beginning: no conflict with an event from before is lost, and every
    /// new event stands above the old ones.
    pub(crate) async fn goes_on(self) {
        let store = &self.handles[0];
        let refused = store.append(vec![sold("before")], unless_sold("before")).await;
        let was_sold = self.log.iter().any(|record| record.tags.contains("show:before"));
        assert_eq!(matches!(refused, Err(AppendError::Conflict(_))), was_sold, "{refused:?}");
        let followed = [self.handles[0].clone(), self.handles[1].clone(), self.handles[2].clone()];
        let followers = Followers::start(followed);
        let decisions = Findings::of(&self.log, &[], &[]).decisions;
        let clients = Clients::of(&self.handles, false);
        let reads = clients.work_until(decisions + DECISIONS + 1, TIME, MOST_ROUNDS).await;
        let whole = store.read_all(&Query::all()).await.unwrap();
        let followed = followers.finish(store.head().await.unwrap()).await;
        assert_eq!(whole[..self.log.len()], self.log[..]);
        let findings = Findings::of(&whole, &reads, &followed);
        println!("went on: {findings}");
        assert!(findings.is_clean(), "{findings}");
        assert!(findings.decisions > decisions + DECISIONS, "hardly any decision: {findings}");
    }
}
