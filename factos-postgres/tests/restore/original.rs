//! A log before it is restored, behind an address that may lead to another server later.

use std::time::Duration;

use factos::{AppendCondition, EventId, EventStore, EventStoreExt, Page, Query, StoreErrorKind};
use factos_postgres::{
    Config, Error, Mode, PostgresStore,
    sqlx::{Postgres, Transaction},
};
use tokio::task::JoinHandle;

use crate::{
    clients::{Clients, Read},
    cluster::Cluster,
    support::{PATIENCE, cause, eventually, sold},
    switch::Switch,
};

/// For how long clients work on it.
const TIME: Duration = Duration::from_secs(3);

pub(crate) struct Original {
    switch: Switch,
    /// Knows the log by the address.
    handle: PostgresStore,
    /// Those of the clients.
    handles: Vec<PostgresStore>,
}

/// Clients that decide and append.
pub(crate) struct Work {
    clients: JoinHandle<Vec<Read>>,
    handle: PostgresStore,
}

/// A log in a schema that is named as its mode.
pub(crate) async fn open(url: &str, mode: Mode) -> PostgresStore {
    let config = Config::new().schema(&mode.to_string()).unwrap().mode(mode);
    config.create(true).lock_timeout(PATIENCE).connect(url).await.unwrap()
}

/// Several handles of one log.
pub(crate) async fn handles(server: &Cluster, mode: Mode) -> Vec<PostgresStore> {
    let mut handles = Vec::new();
    for _ in 0..3 {
        handles.push(open(&server.url(), mode).await);
    }
    handles
}

impl Original {
    pub(crate) async fn on(server: &Cluster, mode: Mode) -> Self {
        let switch = Switch::to(server.port()).await;
        let handle = open(&switch.url(), mode).await;
        Self { switch, handle, handles: handles(server, mode).await }
    }

    /// Clients begin to work, and are in the middle of it when this returns.
    pub(crate) async fn work(&self) -> Work {
        let (handles, handle) = (self.handles.clone(), self.handles[0].clone());
        let clients = async move { Clients::of(&handles, false).work(TIME).await };
        let work = Work { clients: tokio::spawn(clients), handle };
        tokio::time::sleep(TIME / 2).await;
        work
    }

    /// Appends an event of a show.
    pub(crate) async fn sell(&self, show: &str) -> EventId {
        let records = self.handle.append(vec![sold(show)], AppendCondition::None).await.unwrap();
        records[0].id
    }

    /// The same, in a transaction that is still open.
    pub(crate) async fn begin_to_sell(
        &self,
        show: &str,
    ) -> (EventId, Transaction<'static, Postgres>) {
        let store = &self.handles[0];
        let mut transaction = store.pool().begin().await.unwrap();
        let events = vec![sold(show)];
        let appended = store.append_in(&mut transaction, events, AppendCondition::None).await;
        (appended.unwrap()[0].id, transaction)
    }

    /// All of the log, as the handle sees it.
    pub(crate) async fn log(&self) -> Page {
        self.handle.read_all(&Query::all()).await.unwrap()
    }

    /// The address leads to a server that lacks what the handle was told of, and the handle says so.
    pub(crate) async fn went_back_to(&self, server: &Cluster) {
        self.switch.lead_to(server.port());
        for _ in 0..2 {
            let error = self.handle.read_all(&Query::all()).await.unwrap_err();
            assert!(matches!(cause(&error), Error::WentBack { .. }), "{error:?}");
            assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        }
    }

    /// The address leads to a server that has everything, and the handle goes on.
    pub(crate) async fn goes_on_at(&self, server: &Cluster) {
        self.switch.lead_to(server.port());
        eventually("the handle goes on", || async { self.handle.head().await.is_ok() }).await;
        self.sell("upgraded").await;
    }
}

impl Work {
    /// Waits for the clients: the log when they have ended.
    pub(crate) async fn end(self) -> Page {
        self.clients.await.unwrap();
        self.handle.read_all(&Query::all()).await.unwrap()
    }
}
