//! Crowds whose plain dispatches meet on one boundary, with turns and without them in the same interleaved run.
//!
//! `cargo bench -p factos-examples --bench contended [-- REPEATS]` on SQLite; on PostgreSQL too where
//! `FACTOS_POSTGRES_URL` leads to one, as within `scripts/with-postgres`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, Decider, Error, Event, EventStore, Events, NewEvent,
    Query, QueryFor, ReadOptions, Recorded, Retry, SequencePosition, StoreError, StreamName,
    dispatch, encode,
};
use factos_postgres::{
    Config,
    sqlx::{AssertSqlSafe, postgres::PgPoolOptions, raw_sql},
};
use factos_sqlite::SqliteStore;

/// Buyers who all come at once for the seats of a show.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    buyers: usize,
    seats: u64,
    /// Whether appends to the show have conflicted just before.
    is_heated: bool,
}

const CROWDS: [Crowd; 3] = [
    Crowd { buyers: 300, seats: 1, is_heated: false },
    Crowd { buyers: 300, seats: 1, is_heated: true },
    Crowd { buyers: 256, seats: 256, is_heated: false },
];

#[derive(Debug, Clone, Event)]
enum Sale {
    #[event(name = "SeatSold")]
    Sold {
        #[tag]
        show: String,
    },
}

struct Office(u64);

impl Decider for Office {
    type Command = String;
    type Event = Sale;
    type State = u64;
    type Error = ();

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, sold: u64, _: &Sale) -> u64 {
        sold + 1
    }

    fn decide(&self, sold: &u64, show: &String) -> Result<Vec<Sale>, ()> {
        if *sold < self.0 { Ok(vec![Sale::Sold { show: show.clone() }]) } else { Err(()) }
    }

    fn context(&self, show: &String) -> QueryFor<Sale> {
        Sale::query().show(show).into()
    }
}

/// The same store, whose dispatches take no turns.
struct WithoutTurns<S>(S);

#[async_trait]
impl<S: EventStore> EventStore for WithoutTurns<S> {
    fn log_id(&self) -> &str {
        self.0.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.0.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.0.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.0.append(events, condition).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.0.append_unless(events, exists, guard, after).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.0.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.0.wait_past(after).await
    }
}

struct Cell {
    crowd: Crowd,
    turns: &'static str,
    store: Arc<dyn EventStore>,
    seconds: Vec<f64>,
    attempts: Vec<u32>,
}

#[tokio::main]
async fn main() {
    let repeats = std::env::args().skip(1).find_map(|repeats| repeats.parse().ok()).unwrap_or(5);
    let folder = tempfile::tempdir().unwrap();
    compare("SQLite", &SqliteStore::open(folder.path().join("log.db")).await.unwrap(), repeats)
        .await;
    if let Ok(url) = std::env::var("FACTOS_POSTGRES_URL") {
        on_postgres(&url, repeats).await;
    }
}

async fn on_postgres(url: &str, repeats: usize) {
    let pool = PgPoolOptions::new().max_connections(64).connect(url).await.unwrap();
    let schema = format!("bench_contended_{}", std::process::id());
    let config = Config::new().schema(&schema).unwrap().create(true);
    compare("PostgreSQL", &config.open(pool.clone()).await.unwrap(), repeats).await;
    raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).execute(&pool).await.unwrap();
}

async fn compare<S: EventStore + Clone + 'static>(name: &str, store: &S, repeats: usize) {
    let mut cells = cells(store);
    for repeat in 0..repeats {
        for (number, cell) in cells.iter_mut().enumerate() {
            cell.measure(&format!("{repeat}-{number}")).await;
        }
    }
    println!("{name:<44}{:>10}{:>10}   medians of {repeats}", "seconds", "attempts");
    cells.iter_mut().for_each(Cell::print);
}

fn cells<S: EventStore + Clone + 'static>(store: &S) -> Vec<Cell> {
    let cell = |crowd, turns, store| {
        let (seconds, attempts) = (Vec::new(), Vec::new());
        Cell { crowd, turns, store, seconds, attempts }
    };
    let both = CROWDS.into_iter().map(|crowd| {
        let with = cell(crowd, "turns", Arc::new(store.clone()));
        [with, cell(crowd, "no turns", Arc::new(WithoutTurns(store.clone())))]
    });
    both.flatten().collect()
}

impl Cell {
    async fn measure(&mut self, show: &str) {
        let Crowd { buyers, seats, is_heated } = self.crowd;
        let taken = if is_heated { heat(&*self.store, show).await } else { 0 };
        let (seconds, attempts) = crowd(&self.store, show, buyers, seats + taken).await;
        self.seconds.push(seconds);
        self.attempts.push(attempts);
    }

    fn print(&mut self) {
        let Crowd { buyers, seats, is_heated } = self.crowd;
        let heated = if is_heated { ", heated" } else { "" };
        let name = format!("{buyers} buyers, seats: {seats}{heated}, {}", self.turns);
        self.seconds.sort_unstable_by(f64::total_cmp);
        self.attempts.sort_unstable();
        let middle = self.seconds.len() / 2;
        println!("{name:<44}{:>10.3}{:>10}", self.seconds[middle], self.attempts[middle]);
    }
}

fn sold(show: &str) -> Vec<NewEvent> {
    vec![encode(&Sale::Sold { show: show.to_owned() }).unwrap()]
}

/// Has an append conflict on the boundary. How many seats that took.
async fn heat(store: &dyn EventStore, show: &str) -> u64 {
    let query: QueryFor<Sale> = Sale::query().show(show).into();
    let unsold = AppendCondition::fail_if_events_match(query.into_query().unwrap());
    store.append(sold(show), AppendCondition::None).await.unwrap();
    store.append(sold(show), unsold).await.unwrap_err();
    1
}

/// All buyers at once. How many seconds and attempts it takes.
async fn crowd(store: &Arc<dyn EventStore>, show: &str, buyers: usize, seats: u64) -> (f64, u32) {
    let (attempts, begun) = (Arc::new(AtomicU32::new(0)), Instant::now());
    let buyers = (0..buyers).map(|_| {
        let (store, show, attempts) = (Arc::clone(store), show.to_owned(), Arc::clone(&attempts));
        tokio::spawn(async move {
            let office = Office(seats);
            let count = |_: &_| {
                attempts.fetch_add(1, Ordering::Relaxed);
            };
            let buy = dispatch(&store, &office).retry(Retry::attempts(u32::MAX)).observe(count);
            match buy.run(&show).await {
                Ok(_) | Err(Error::Domain(())) => {}
                Err(error) => panic!("{error:?}"),
            }
        })
    });
    for buyer in buyers.collect::<Vec<_>>() {
        buyer.await.unwrap();
    }
    (begun.elapsed().as_secs_f64(), attempts.load(Ordering::Relaxed))
}
