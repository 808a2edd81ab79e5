//! Another server behind the same address: a restored backup, a standby, a promoted standby. What the handle
//! was told of is there, or every call says that it is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/pooler.rs"]
mod pooler;
#[path = "support/switch.rs"]
mod switch;

use factos::{
    Anchor, AppendCondition, AppendError, ErrorKind, EventId, EventStore, EventStoreExt, Query,
    QueryItem, ReadOptions, SequencePosition, StoreError, StoreErrorKind, StreamName,
};
use factos_postgres::{
    CheckpointTable, Config, Error, Mode, PostgresStore,
    sqlx::{self, Connection, PgConnection, PgPool, query, query_scalar},
};

use futures_util::future::join_all;

use crate::{
    cluster::Cluster,
    pooler::{PoolMode, Pooler},
    support::{SOLD, at_length, cause, eventually, in_time, of_show, sold, unless_sold},
    switch::Switch,
};

const BOTH: [Mode; 2] = [Mode::Keyed, Mode::Portable];

async fn open(url: &str, mode: Mode) -> PostgresStore {
    Config::new().mode(mode).create(true).connect(url).await.unwrap()
}

/// What is between a handle and the address that is switched.
#[derive(Debug, Clone, Copy)]
enum Way {
    Direct,
    /// A PgBouncer in session mode, whose connections to its clients may outlive the server.
    Pooled,
}

const WAYS: [Way; 2] = [Way::Direct, Way::Pooled];

/// The address that handles are opened on.
struct Address {
    switch: Switch,
    pooler: Option<Pooler>,
}

impl Address {
    async fn of(cluster: &Cluster, way: Way) -> Self {
        let switch = Switch::to(cluster.port()).await;
        let pooler = match way {
            Way::Direct => None,
            Way::Pooled => Some(Pooler::before(switch.port, PoolMode::Session, 50).await),
        };
        Self { switch, pooler }
    }

    fn url(&self) -> String {
        self.pooler.as_ref().map_or_else(|| self.switch.url(), Pooler::url)
    }

    fn lead_to(&self, cluster: &Cluster) {
        self.switch.lead_to(cluster.port());
    }
}

/// Appends so many events of a show, one by one.
async fn sell(store: &PostgresStore, show: &str, events: usize) {
    for _ in 0..events {
        store.append(vec![sold(show)], AppendCondition::None).await.unwrap();
    }
}

fn at(position: u64) -> Option<SequencePosition> {
    SequencePosition::new(position)
}

fn of_type() -> Query {
    Query::item(QueryItem::of_type(SOLD))
}

/// What each kind of call answers that asks the log, by name.
async fn answers(store: &PostgresStore) -> Vec<(&'static str, Result<(), StoreError>)> {
    let read = |query: Query| async move {
        store.read(&query, ReadOptions::all()).await?.collect().await.map(drop)
    };
    let backwards = || async {
        store.read(&Query::all(), ReadOptions::all().backwards().limit(1)).await?.collect().await
    };
    let stream = StreamName::new("s").unwrap();
    let by_stream = || async { store.read_stream(&stream, ReadOptions::all()).await.map(drop) };
    let append = |condition| async move {
        match store.append(vec![sold("new")], condition).await {
            Ok(_) => Ok(()),
            Err(AppendError::Store(error)) => Err(error),
            Err(error) => panic!("a decision on another log: {error:?}"),
        }
    };
    let append_in = || async {
        let mut transaction = store.pool().begin().await.unwrap();
        match store.append_in(&mut transaction, vec![sold("new")], AppendCondition::None).await {
            Ok(_) => Ok(()),
            Err(AppendError::Store(error)) => Err(error),
            Err(error) => panic!("a decision on another log: {error:?}"),
        }
    };
    vec![
        ("read of a type", read(of_type()).await),
        ("read of a tag", read(of_show("a")).await),
        ("read of everything", read(Query::all()).await),
        ("read backwards", backwards().await.map(drop)),
        ("read of a stream", by_stream().await),
        ("head", store.head().await.map(drop)),
        ("wait past the start", store.wait_past(None).await),
        ("wait past a known position", store.wait_past(at(85)).await),
        ("append", append(AppendCondition::None).await),
        ("append after the known head", append(unless_sold("a").after(at(100))).await),
        ("append in a transaction", append_in().await),
    ]
}

/// Asserts that every call says that the log went back.
async fn assert_went_back(store: &PostgresStore, known: u64, found: u64) {
    for _ in 0..2 {
        for (what, answer) in in_time("every call", answers(store)).await {
            let error = answer.expect_err(what);
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{what}: {error:?}");
            let cause = cause(&error);
            assert!(
                matches!(cause, Error::WentBack { known: k, found: f } if (*k, *f) == (known, found)),
                "{what}: {cause:?}"
            );
            let told = cause.to_string();
            assert!(told.contains(&format!("from {known} to {found}")), "{told}");
        }
    }
}

/// A log of three events is backed up, and goes on to a hundred: the original, its handle, and the copy, which
/// runs behind the handle's address when this returns.
async fn restored_below_a_handle(
    mode: Mode,
    way: Way,
    look: impl AsyncFn(&PostgresStore),
) -> (Cluster, Cluster, Address, PostgresStore) {
    let original = Cluster::start_new();
    let address = Address::of(&original, way).await;
    let store = open(&address.url(), mode).await;
    sell(&store, "a", 3).await;
    let copy = original.back_up();
    sell(&store, "a", 97).await;
    look(&store).await;
    copy.start();
    address.lead_to(&copy);
    (original, copy, address, store)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_restored_backup_below_an_open_handle_is_told() {
    for (mode, way) in
        [(Mode::Keyed, Way::Direct), (Mode::Portable, Way::Direct), (Mode::Keyed, Way::Pooled)]
    {
        let (_original, copy, address, store) = restored_below_a_handle(mode, way, async |store| {
            assert_eq!(store.read_all(&of_type()).await.unwrap().len(), 100);
            assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 100);
        })
        .await;
        assert_went_back(&store, 100, 3).await;
        let again = open(&address.url(), mode).await;
        assert_eq!(again.head().await.unwrap(), at(3));
        assert_eq!(again.log_id(), store.log_id());
        sell(&again, "a", 1).await;
        assert_went_back(&store, 100, 3).await;
        drop(copy);
    }
}

/// How a handle was told of the last position.
#[derive(PartialEq)]
enum ToldBy {
    Append,
    Head,
    /// A read that found nothing.
    EmptyRead,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_log_that_passed_the_known_position_with_other_events_is_told() {
    for mode in BOTH {
        for told_by in [ToldBy::Append, ToldBy::Head, ToldBy::EmptyRead] {
            let original = Cluster::start_new();
            let switch = Switch::to(original.port()).await;
            let writer = open(&original.url(), mode).await;
            sell(&writer, "a", 3).await;
            let reader = open(&switch.url(), mode).await;
            let copy = original.back_up();
            let seller = if told_by == ToldBy::Append { &reader } else { &writer };
            sell(seller, "a", 97).await;
            match told_by {
                ToldBy::Append => {}
                ToldBy::Head => assert_eq!(reader.head().await.unwrap(), at(100)),
                ToldBy::EmptyRead => {
                    assert_eq!(reader.read_all(&of_show("none")).await.unwrap(), []);
                }
            }
            copy.start();
            sell(&open(&copy.url(), mode).await, "b", 117).await;
            switch.lead_to(copy.port());
            assert_went_back(&reader, 100, 120).await;
        }
    }
}

/// A follower that only waits is told as well, and one that waits for what is not there yet.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_follower_of_a_restored_log_is_told() {
    for (mode, after) in [(Mode::Keyed, 50), (Mode::Portable, 50), (Mode::Keyed, 100)] {
        let (_original, _copy, _address, store) =
            restored_below_a_handle(mode, Way::Direct, async |store| {
                assert_eq!(store.head().await.unwrap(), at(100));
            })
            .await;
        let waits = async {
            loop {
                if let Err(error) = store.wait_past(at(after)).await {
                    return error;
                }
                tokio::task::yield_now().await;
            }
        };
        let error = in_time("the follower", waits).await;
        assert!(matches!(cause(&error), Error::WentBack { known: 100, found: 3 }), "{error:?}");
    }
}

/// A restart of the same server is no news, and nor is a promoted standby that has everything.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_handle_goes_on_with_a_server_that_has_everything() {
    for (mode, way) in
        [(Mode::Keyed, Way::Direct), (Mode::Portable, Way::Direct), (Mode::Keyed, Way::Pooled)]
    {
        let primary = Cluster::start_new();
        let address = Address::of(&primary, way).await;
        let store = open(&address.url(), mode).await;
        sell(&store, "a", 10).await;
        primary.crash();
        primary.start();
        eventually("the server is back", || async { store.head().await.is_ok() }).await;
        sell(&store, "a", 10).await;
        let standby = primary.replicate();
        sell(&store, "a", 10).await;
        received(&primary, &standby).await;
        primary.crash();
        standby.promote();
        address.lead_to(&standby);
        eventually("the standby answers", || async { store.head().await.is_ok() }).await;
        let refused = store.append(vec![sold("a")], unless_sold("a").after(at(29))).await;
        assert!(matches!(refused, Err(AppendError::Conflict(_))), "{refused:?}");
        sell(&store, "a", 10).await;
        assert_eq!(store.read_all(&of_show("a")).await.unwrap().len(), 40);
    }
}

/// Waits until the standby has replayed all that the primary has written.
async fn received(primary: &Cluster, standby: &Cluster) {
    let mut here = PgConnection::connect(&primary.url()).await.unwrap();
    let written = "SELECT pg_current_wal_flush_lsn()::text";
    let written: String = query_scalar(written).fetch_one(&mut here).await.unwrap();
    let there = PgPool::connect(&standby.url()).await.unwrap();
    at_length("the standby catches up", || async {
        let replayed = "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)";
        query_scalar(replayed).bind(&written).fetch_one(&there).await.unwrap()
    })
    .await;
}

async fn a_standby_that_lagged_is_promoted(mode: Mode, way: Way) {
    let primary = Cluster::start_new();
    let address = Address::of(&primary, way).await;
    let store = open(&address.url(), mode).await;
    sell(&store, "a", 3).await;
    let standby = primary.replicate();
    received(&primary, &standby).await;
    standby.stop_receiving();
    let receivers = "SELECT count(*) FROM pg_stat_replication";
    let here = PgPool::connect(&primary.url()).await.unwrap();
    at_length("the standby is gone", || async {
        query_scalar::<_, i64>(receivers).fetch_one(&here).await.unwrap() == 0
    })
    .await;
    sell(&store, "a", 97).await;
    primary.crash();
    address.lead_to(&standby);
    for (what, answer) in answers(&store).await {
        let error = answer.expect_err(what);
        match (mode, cause(&error)) {
            (Mode::Keyed, Error::Standby { .. }) => {}
            (Mode::Portable, Error::Behind { known: 100, found: 3 }) => {}
            (_, cause) => panic!("{what}: {cause:?}"),
        }
    }
    standby.promote();
    assert_went_back(&store, 100, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_promoted_standby_that_lagged_is_told_of_a_keyed_log() {
    for way in WAYS {
        a_standby_that_lagged_is_promoted(Mode::Keyed, way).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_promoted_standby_that_lagged_is_told_of_a_portable_log() {
    a_standby_that_lagged_is_promoted(Mode::Portable, Way::Direct).await;
}

/// An append is in flight on the primary while the address leads to its standby, which shows neither its locks
/// nor its event: no decision is made there.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_keyed_log_is_not_read_on_a_standby() {
    for way in WAYS {
        no_decision_on_a_standby(way).await;
    }
}

async fn no_decision_on_a_standby(way: Way) {
    let primary = Cluster::start_new();
    let address = Address::of(&primary, way).await;
    let store = open(&address.url(), Mode::Keyed).await;
    let other = open(&primary.url(), Mode::Keyed).await;
    sell(&store, "other", 1).await;
    let standby = primary.replicate();
    let mut transaction = other.pool().begin().await.unwrap();
    other.append_in(&mut transaction, vec![sold("a")], unless_sold("a")).await.unwrap();
    sell(&other, "other", 1).await;
    received(&primary, &standby).await;
    address.lead_to(&standby);
    for _ in 0..2 {
        for (what, answer) in answers(&store).await {
            let error = answer.expect_err(what);
            assert!(matches!(cause(&error), Error::Standby { .. }), "{what}: {error:?}");
            assert!(error.is_retryable(), "{what}: the address may lead elsewhere soon");
        }
    }
    transaction.commit().await.unwrap();
    // The primary again, and the handle goes on.
    address.lead_to(&primary);
    let seen = store.read_all(&of_show("a")).await.unwrap();
    assert_eq!(seen.len(), 1);
    let refused = store.append(vec![sold("a")], unless_sold("a")).await;
    assert!(matches!(refused, Err(AppendError::Conflict(_))), "{refused:?}");
}

/// Not every way to the primary cuts the connections that lead to a server which steps down.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn connections_to_a_standby_are_not_used_again() {
    for mode in BOTH {
        let primary = Cluster::start_new();
        let switch = Switch::to(primary.port()).await;
        let store = open(&switch.url(), mode).await;
        sell(&store, "a", 1).await;
        let standby = primary.replicate();
        received(&primary, &standby).await;
        switch.lead_to(standby.port());
        let append = || store.append(vec![sold("b")], AppendCondition::None);
        let mut rounds = 0;
        let mut met_the_standby = false;
        while !met_the_standby {
            rounds += 1;
            assert!(rounds <= 8, "{mode}: no append met the standby");
            // Several at a time, so that there are several connections.
            for outcome in join_all((0..8).map(|_| append())).await {
                let Err(AppendError::Store(error)) = outcome else { panic!("{mode}: {outcome:?}") };
                met_the_standby |=
                    matches!(cause(&error), Error::Standby { .. } | Error::ReadOnly(_));
                // A group that was sent on a connection which had been cut has an unknown outcome.
                let is_cut = error.kind() == StoreErrorKind::OutcomeUnknown;
                assert!(error.is_retryable() || is_cut, "{mode}: {error:?}");
            }
        }
        switch.lead_new_ones_to(primary.port());
        let mut refused = 0;
        while let Err(error) = append().await {
            refused += 1;
            assert!(refused <= 8, "{mode}: {error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_checkpoint_that_meets_a_standby_may_be_moved_later() {
    let primary = Cluster::start_new();
    let mut here = PgConnection::connect(&primary.url()).await.unwrap();
    let table = CheckpointTable::in_schema("public").unwrap();
    table.migrate(&mut here).await.unwrap();
    let standby = primary.replicate();
    let mut there = PgConnection::connect(&standby.url()).await.unwrap();
    let to = Anchor::new("log", at(1).unwrap(), EventId::new());
    let error = table.checkpoint("orders").advance(&mut there, None, &to).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

/// A log of another identity in the same schema.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn another_log_behind_the_address_is_told() {
    let (one, two) = (Cluster::start_new(), Cluster::start_new());
    let switch = Switch::to(one.port()).await;
    let store = open(&switch.url(), Mode::Keyed).await;
    open(&two.url(), Mode::Keyed).await;
    switch.lead_to(two.port());
    for (what, answer) in answers(&store).await {
        let error = answer.expect_err(what);
        assert!(matches!(cause(&error), Error::OtherLog { .. }), "{what}: {error:?}");
    }
    let mut connection = PgConnection::connect(&two.url()).await.unwrap();
    query("DROP SCHEMA factos CASCADE").execute(&mut connection).await.unwrap();
}

/// The next transaction goes on after a restart of the server.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_append_in_a_transaction_finds_the_server_verified_the_next_time() {
    let cluster = Cluster::start_new();
    let store = open(&cluster.url(), Mode::Keyed).await;
    sell(&store, "a", 1).await;
    cluster.crash();
    cluster.start();
    let connection = || async {
        let mut connection = PgConnection::connect(&cluster.url()).await.unwrap();
        query("BEGIN").execute(&mut connection).await.unwrap();
        connection
    };
    let mut first = connection().await;
    let refused = store.append_in(&mut first, vec![sold("b")], unless_sold("b")).await.unwrap_err();
    let AppendError::Store(error) = refused else { panic!("{refused:?}") };
    assert!(matches!(cause(&error), Error::OtherServer), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    let mut second = connection().await;
    store.append_in(&mut second, vec![sold("b")], unless_sold("b")).await.unwrap();
    sqlx::query("COMMIT").execute(&mut second).await.unwrap();
    assert_eq!(store.read_all(&of_show("b")).await.unwrap().len(), 1);
}
