//! Connections cut at a chosen moment of an append, by a proxy between the store and the server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use factos::{AppendCondition, AppendError, EventStore, EventStoreExt, Query, StoreErrorKind};
use factos_postgres::{
    Config, Error, Mode, PostgresStore,
    sqlx::{
        ConnectOptions,
        postgres::{PgConnectOptions, PgPoolOptions},
    },
};
use futures_util::future::join_all;
use support::{Schema, cause, eventually, in_time, of_show, sold, url};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const FORWARD: u8 = 0;
/// What the store sends next does not reach the server.
const CUT_REQUEST: u8 = 1;
/// What the server answers next does not reach the store.
const CUT_ANSWER: u8 = 2;
/// In place of the server's next answer the store gets what a pooler says whose server was killed.
const FATAL_ANSWER: u8 = 4;
/// What the store sends next does not reach the server, and the connection stays open.
const STALL: u8 = 3;

#[derive(Clone)]
struct Proxy {
    cut: Arc<AtomicU8>,
    accepted: Arc<AtomicUsize>,
    /// How many of the accepted connections, from the first on, stay open but carry nothing any more.
    silent: Arc<AtomicUsize>,
    port: u16,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy =
            Self { cut: Arc::default(), accepted: Arc::default(), silent: Arc::default(), port };
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = accepting.clone();
                tokio::spawn(async move { proxy.carry(client).await });
            }
        });
        proxy
    }

    /// Forwards all bytes until one side ends or the connection is cut.
    async fn carry(self, client: TcpStream) {
        let number = self.accepted.fetch_add(1, Ordering::SeqCst);
        let options: PgConnectOptions = url().parse().unwrap();
        let server = TcpStream::connect((options.get_host(), options.get_port())).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            tokio::select! {
                Ok(length @ 1..) = from_client.read(&mut request) => {
                    if self.is_cut(CUT_REQUEST) {
                        return;
                    }
                    if self.is_cut(STALL) || number < self.silent.load(Ordering::SeqCst) {
                        std::future::pending::<()>().await;
                    }
                    to_server.write_all(&request[..length]).await.unwrap();
                }
                Ok(length @ 1..) = from_server.read(&mut answer) => {
                    if self.is_cut(CUT_ANSWER) {
                        return;
                    }
                    if self.is_cut(FATAL_ANSWER) {
                        to_client.write_all(&fatal("08P01", "server conn crashed?")).await.unwrap();
                        return;
                    }
                    to_client.write_all(&answer[..length]).await.unwrap();
                }
                else => return,
            }
        }
    }

    /// True once for each time that this cut was asked for.
    fn is_cut(&self, moment: u8) -> bool {
        let (order, failure) = (Ordering::SeqCst, Ordering::SeqCst);
        self.cut.compare_exchange(moment, FORWARD, order, failure).is_ok()
    }

    async fn stalls(&self) {
        eventually("the proxy stalls", || async { self.cut.load(Ordering::SeqCst) == FORWARD })
            .await;
    }

    fn cut_next(&self, moment: u8) {
        self.cut.store(moment, Ordering::SeqCst);
    }

    /// Silences every connection that there is.
    fn silence(&self) {
        self.silent.store(self.accepted.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    fn options(&self) -> PgConnectOptions {
        url().parse::<PgConnectOptions>().unwrap().host("127.0.0.1").port(self.port)
    }

    async fn open(&self, schema: &Schema) -> PostgresStore {
        self.open_with(schema.config()).await
    }

    async fn open_with(&self, config: Config) -> PostgresStore {
        let pool = PgPoolOptions::new().max_connections(8).connect_with(self.options());
        config.open(pool.await.unwrap()).await.unwrap()
    }
}

/// The message of an error that ends the connection.
fn fatal(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap();
    [b"E".as_slice(), &length.to_be_bytes(), fields.as_bytes()].concat()
}

async fn a_cut_is_told_and_the_outcome_found_out(mode: Mode) {
    let schema = Schema::new(mode).await;
    let proxy = Proxy::start().await;
    let store = proxy.open(&schema).await;
    let mut there = 0;
    for round in 0..9 {
        // The connection is in use, and its statements are prepared.
        store.append(vec![sold("warm")], AppendCondition::None).await.unwrap();
        let moment = [CUT_REQUEST, CUT_ANSWER, FATAL_ANSWER][round % 3];
        let batch = vec![sold("1"), sold("2")];
        proxy.cut_next(moment);
        let error = store.append(batch.clone(), AppendCondition::None).await.unwrap_err();
        let AppendError::Store(error) = error else { panic!("{error:?}") };
        assert!(matches!(cause(&error), Error::ConnectionLost(_)), "{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
        assert_eq!(proxy.cut.load(Ordering::SeqCst), FORWARD);
        // Sent again with the same ids: after a lost answer the batch was committed, after a lost
        // request not.
        let again = store.append(batch.clone(), AppendCondition::None).await;
        match moment {
            CUT_REQUEST => assert_eq!(again.unwrap().len(), 2),
            _ => assert!(
                matches!(again, Err(AppendError::DuplicateEventId(id)) if id == batch[0].id),
                "{again:?}"
            ),
        }
        there += 3;
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), there);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_cut_connection_leaves_a_keyed_log_right() {
    a_cut_is_told_and_the_outcome_found_out(Mode::Keyed).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_cut_connection_leaves_a_portable_log_right() {
    a_cut_is_told_and_the_outcome_found_out(Mode::Portable).await;
}

/// A group that was committed is not sent again: none of its appends is told that it is its own duplicate.
/// On one thread all of them are queued before the first is sent.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_group_of_unknown_outcome_is_not_sent_again() {
    for moment in [CUT_REQUEST, CUT_ANSWER, FATAL_ANSWER] {
        let schema = Schema::new(Mode::Portable).await;
        let proxy = Proxy::start().await;
        let store = proxy.open(&schema).await;
        let append = |show: String| {
            let store = store.clone();
            async move { store.append(vec![sold(&show)], AppendCondition::None).await }
        };
        append("warm".to_owned()).await.unwrap();
        proxy.cut_next(moment);
        let outcomes = join_all((0..20).map(|n| append(n.to_string()))).await;
        let unknown: Vec<_> = outcomes.iter().filter(|outcome| outcome.is_err()).collect();
        assert!(unknown.len() > 1, "no group was cut");
        for outcome in unknown {
            let Err(AppendError::Store(error)) = outcome else { panic!("{outcome:?}") };
            assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
        }
        let there = store.read_all(&Query::all()).await.unwrap().len();
        let told = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(there, if moment == CUT_REQUEST { told + 1 } else { 21 });
    }
}

/// One append that goes ahead and two groups of appends are stuck; later appends are not.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn appends_do_not_wait_for_a_connection_that_is_silent() {
    let schema = Schema::new(Mode::Keyed).await;
    let proxy = Proxy::start().await;
    let store = proxy.open(&schema).await;
    let append = |show: String| {
        let store = store.clone();
        async move { store.append(vec![sold(&show)], AppendCondition::None).await }
    };
    append("warm".to_owned()).await.unwrap();
    for stuck in [1, 8, 8] {
        proxy.cut_next(STALL);
        let group = join_all((0..stuck).map(|n| append(format!("stuck {n}"))));
        tokio::spawn(group);
        proxy.stalls().await;
    }
    for others in [1, 3, 1] {
        let others = join_all((0..others).map(|n| append(format!("other {n}"))));
        let others = in_time("another append", others).await;
        others.into_iter().for_each(|other| drop(other.unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn reads_do_not_wait_for_a_connection_that_is_silent() {
    let schema = Schema::new(Mode::Keyed).await;
    let proxy = Proxy::start().await;
    let store = proxy.open(&schema).await;
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let read = || {
        let store = store.clone();
        async move { store.read_all(&of_show("1")).await }
    };
    for stuck in [1, 1, 8, 8] {
        proxy.cut_next(STALL);
        tokio::spawn(join_all((0..stuck).map(|_| read())));
        proxy.stalls().await;
    }
    for others in [1, 3, 1] {
        let others = join_all((0..others).map(|_| read()));
        let others = in_time("another read", others).await;
        assert!(others.into_iter().all(|found| found.unwrap().len() == 1));
    }
}

/// Some networks drop connections silently when nothing was sent on them for a while.
async fn connections_may_fall_silent_between_calls(held: usize) {
    let schema = Schema::new(Mode::Keyed).await;
    let proxy = Proxy::start().await;
    let config = schema.config().held_connections(held);
    let store = config.connect(proxy.options().to_url_lossy().as_str()).await.unwrap();
    let use_many = || async {
        let append = |n: usize| {
            let store = store.clone();
            async move {
                let show = n.to_string();
                store.append(vec![sold(&show)], AppendCondition::None).await?;
                store.read_all(&of_show(&show)).await.map_err(AppendError::Store)
            }
        };
        join_all((0..8).map(append)).await
    };
    for round in 1..=2 {
        let seen = in_time("what comes later", use_many()).await;
        assert!(seen.into_iter().all(|seen| seen.unwrap().len() == round));
        proxy.silence();
        // Long enough for the store to check the connections before it uses them again.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn held_connections_may_fall_silent_between_calls() {
    connections_may_fall_silent_between_calls(16).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn connections_of_the_pool_may_fall_silent_between_calls() {
    connections_may_fall_silent_between_calls(0).await;
}

/// A store that is in use, and whose next request will not be answered.
async fn unanswered(schema: &Schema) -> PostgresStore {
    let proxy = Proxy::start().await;
    let config = schema.config().lock_timeout(Duration::from_secs(2));
    let store = proxy.open_with(config.socket_timeout(Duration::from_secs(3))).await;
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    proxy.cut_next(STALL);
    store
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_append_that_is_not_answered_is_given_up() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = unanswered(&schema).await;
    let batch = vec![sold("2")];
    let append = store.append(batch.clone(), AppendCondition::None);
    let error = in_time("the append", append).await.unwrap_err();
    let AppendError::Store(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
    let Error::ConnectionLost(silence) = cause(&error) else { panic!("{error:?}") };
    assert!(silence.to_string().contains("no answer came within"), "{silence}");
    store.append(batch, AppendCondition::None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_read_that_is_not_answered_is_sent_again() {
    let schema = Schema::new(Mode::Keyed).await;
    let reads = [Some(Query::all()), Some(of_show("1")), None].map(|query| {
        let schema = &schema;
        async move {
            let store = unanswered(schema).await;
            let Some(query) = query else { return store.head().await.unwrap().is_some() };
            !store.read_all(&query).await.unwrap().is_empty()
        }
    });
    let found = in_time("a read", join_all(reads)).await;
    assert!(found.into_iter().all(|found| found));
}

/// A read may be sent again whether the server has carried it out or not.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_cut_read_is_sent_again() {
    let schema = Schema::new(Mode::Keyed).await;
    let proxy = Proxy::start().await;
    let store = proxy.open(&schema).await;
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    for moment in [CUT_REQUEST, CUT_ANSWER] {
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
        proxy.cut_next(moment);
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
        assert_eq!(proxy.cut.load(Ordering::SeqCst), FORWARD);
        proxy.cut_next(moment);
        assert!(store.head().await.unwrap().is_some());
    }
}
