//! What consumers cost, on SQLite: a projection beside the same writes by bare SQL; effects of which each takes a
//! millisecond, by partitions and processes; and how soon the load has spread.
//!
//! `cargo bench -p factos-consumer --bench consumers [-- project|effects|spread]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use factos::{AppendCondition, Event, EventStore, QueryFor, Reactor, Recorded, encode};
use factos_consumer::{
    Consumers, Delivery, EffectHandler, OnError, Options, Outcome, PartitionKey, Projection,
    Reaction,
};
use factos_sqlite::{
    Config, Durability, SqliteConsumers, SqliteStore, WriteTransaction,
    rusqlite::{self, Connection},
};

const REPEATS: usize = 5;
const EVENTS: u64 = 100_000;
const EFFECTS: u64 = 8_000;
const PAGE: usize = 500;
const CHILD: &str = "FACTOS_BENCH_CHILD";
const RECEIVER: &str = "FACTOS_BENCH_RECEIVER";
const INSERT: &str = "INSERT INTO seen VALUES (?1, ?2)";

#[derive(Event)]
enum Bench {
    Happened {
        #[tag]
        entity: u64,
        text: String,
    },
}

struct Seen;

impl Projection for Seen {
    type Event = Bench;
    type Tx = WriteTransaction;
    type Error = rusqlite::Error;

    const NAME: &'static str = "seen";

    fn query(&self) -> QueryFor<Bench> {
        QueryFor::all_types()
    }

    async fn apply(
        &self,
        tx: &mut WriteTransaction,
        records: &[Recorded<Bench>],
    ) -> Result<(), rusqlite::Error> {
        let mut insert = tx.connection().prepare_cached(INSERT)?;
        for record in records {
            let Bench::Happened { text, .. } = &record.event;
            insert.execute((record.position.get().cast_signed(), text.as_bytes()))?;
        }
        Ok(())
    }
}

struct Calls;

impl Reactor for Calls {
    type Event = Bench;
    type Effect = ();

    fn react(&self, _: &Recorded<Bench>) -> Vec<()> {
        vec![()]
    }
}

impl Reaction for Calls {
    const NAME: &'static str = "calls";

    fn query(&self) -> QueryFor<Bench> {
        QueryFor::all_types()
    }

    fn key(&self, record: &Recorded<Bench>) -> Option<PartitionKey> {
        let Bench::Happened { entity, .. } = record.event;
        Some(PartitionKey::new(entity))
    }
}

/// A receiver that takes a millisecond.
#[derive(Debug, Clone, Copy)]
enum Slow {
    /// As one that is reached over the network.
    Awaited,
    /// As one behind a library that blocks, or that computes: it holds its thread meanwhile.
    Blocking,
}

impl EffectHandler for Slow {
    type Effect = ();

    async fn run(&self, _: Delivery<'_, ()>) -> Outcome {
        const TIME: Duration = Duration::from_millis(1);
        match self {
            Self::Awaited => tokio::time::sleep(TIME).await,
            Self::Blocking => std::thread::sleep(TIME),
        }
        Outcome::Done
    }
}

impl Slow {
    /// The one that a child is told of.
    fn told() -> Self {
        match std::env::var(RECEIVER).as_deref() {
            Ok("Blocking") => Self::Blocking,
            _ => Self::Awaited,
        }
    }
}

#[tokio::main]
async fn main() {
    if let Ok(log) = std::env::var(CHILD) {
        return calls(&open(Path::new(&log)).await, Slow::told())
            .run_until(std::future::pending())
            .await
            .unwrap();
    }
    let named: Vec<_> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runs = |name: &str| named.is_empty() || named.iter().any(|a| a == name);
    let folder = tempfile::tempdir().unwrap();
    if runs("project") {
        project(folder.path()).await;
    }
    if runs("effects") {
        for receiver in [Slow::Awaited, Slow::Blocking] {
            effects(folder.path(), receiver).await;
        }
    }
    if runs("spread") {
        spread(folder.path()).await;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn open(path: &Path) -> SqliteStore {
    Config::new(path).durability(Durability::LoseLatestOnPowerCut).open().await.unwrap()
}

async fn log(path: &Path, events: u64) -> SqliteStore {
    let store = open(path).await;
    SqliteConsumers::new(&store).migrate().await.unwrap();
    for start in (0..events).step_by(2_000) {
        let event = |entity| Bench::Happened { entity: entity / 10, text: "x".repeat(200) };
        let batch = (start..events.min(start + 2_000)).map(|n| encode(&event(n)).unwrap());
        store.append(batch.collect(), AppendCondition::None).await.unwrap();
    }
    store
}

async fn project(folder: &Path) {
    let (mut bare, mut consumer) = (Vec::new(), Vec::new());
    for repeat in 0..REPEATS {
        bare.push(bare_writes(&folder.join(format!("bare{repeat}.db"))));
        consumer.push(projection(&folder.join(format!("log{repeat}.db"))).await);
    }
    let (bare, consumer) = (median(bare), median(consumer));
    println!("a row for each of {EVENTS} events, pages of {PAGE}, rows and position in one commit");
    println!("  bare SQL  {bare:>9.0} events a second");
    println!("  consumer  {consumer:>9.0} events a second, {:.2} (0.7)", consumer / bare);
}

const TABLE: &str = "CREATE TABLE seen (position INTEGER PRIMARY KEY, payload BLOB NOT NULL)";

/// The same writes, without a log.
fn bare_writes(path: &Path) -> f64 {
    let mut models = Connection::open(path).unwrap();
    models.pragma_update(None, "journal_mode", "WAL").unwrap();
    models.pragma_update(None, "synchronous", "NORMAL").unwrap();
    models.execute_batch(&format!("{TABLE}; CREATE TABLE place (position INTEGER)")).unwrap();
    models.execute("INSERT INTO place VALUES (0)", []).unwrap();
    let (start, payload) = (Instant::now(), vec![b'x'; 200]);
    for first in (1..=EVENTS).step_by(PAGE) {
        let transaction = models.transaction().unwrap();
        let last = first + PAGE as u64 - 1;
        for position in first..=last {
            let mut insert = transaction.prepare_cached(INSERT).unwrap();
            insert.execute((position.cast_signed(), &payload)).unwrap();
        }
        let mut moved = transaction.prepare_cached("UPDATE place SET position = ?1").unwrap();
        moved.execute([last.cast_signed()]).unwrap();
        drop(moved);
        transaction.commit().unwrap();
    }
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

async fn projection(path: &Path) -> f64 {
    let store = log(path, EVENTS).await;
    store.write(|tx| tx.connection().execute_batch(TABLE)).await.unwrap();
    let consumers = Consumers::new(store.clone(), SqliteConsumers::new(&store))
        .project(Seen, Options::new(OnError::Stop).page(PAGE));
    let start = Instant::now();
    until_done(&store, &consumers, "seen").await;
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

/// Runs the consumers until one has come to the end of the log.
async fn until_done(store: &SqliteStore, consumers: &Consumers<SqliteConsumers>, name: &str) {
    let head = store.head().await.unwrap().unwrap();
    let done = async {
        consumers.wait_for(name, head, Duration::from_secs(600)).await.unwrap();
    };
    consumers.run_until(done).await.unwrap();
}

fn calls(store: &SqliteStore, receiver: Slow) -> Consumers<SqliteConsumers> {
    Consumers::new(store.clone(), SqliteConsumers::new(store))
        .react(Calls, receiver, Options::new(OnError::Stop).partitions(8))
        .lease(Duration::from_secs(2))
}

fn child(log: &Path, receiver: Slow) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, log).env(RECEIVER, format!("{receiver:?}")).spawn().unwrap()
}

/// How many processes have partitions, and how many each.
async fn loads(consumers: &Consumers<SqliteConsumers>) -> Vec<usize> {
    let mut loads = BTreeMap::<_, usize>::new();
    for partition in consumers.status().await.unwrap().partitions {
        *loads.entry(partition.owner).or_default() += 1;
    }
    loads.into_iter().filter(|(owner, _)| owner.is_some()).map(|(_, load)| load).collect()
}

async fn effects(folder: &Path, receiver: Slow) {
    println!("{EFFECTS} effects of a millisecond each, {receiver:?}");
    let one_partition = {
        let store = log(&folder.join(format!("{receiver:?}.db")), EFFECTS / 8).await;
        let consumers = Consumers::new(store.clone(), SqliteConsumers::new(&store)).react(
            Calls,
            receiver,
            OnError::Stop,
        );
        let start = Instant::now();
        until_done(&store, &consumers, "calls").await;
        (EFFECTS / 8) as f64 / start.elapsed().as_secs_f64()
    };
    println!("  1 partition              {one_partition:>7.0} a second");
    for processes in [1, 2] {
        let path = folder.join(format!("{receiver:?}{processes}.db"));
        let store = log(&path, 0).await;
        let consumers = calls(&store, receiver);
        let mut children: Vec<_> = (0..processes).map(|_| child(&path, receiver)).collect();
        // The partitions are spread before there is anything to do.
        while loads(&consumers).await != vec![8 / processes; processes] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(log(&path, EFFECTS).await);
        let start = Instant::now();
        let head = store.head().await.unwrap().unwrap();
        consumers.wait_for("calls", head, Duration::from_secs(600)).await.unwrap();
        let rate = EFFECTS as f64 / start.elapsed().as_secs_f64();
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let ratio = rate / one_partition;
        println!(
            "  8 partitions, {processes} processes {rate:>7.0} a second, {ratio:.1} of one partition"
        );
    }
}

async fn spread(folder: &Path) {
    let path = folder.join("spread.db");
    let store = log(&path, 0).await;
    let consumers = Consumers::new(store.clone(), SqliteConsumers::new(&store)).react(
        Calls,
        Slow::Awaited,
        Options::new(OnError::Stop).partitions(50),
    );
    let (stop, stopped) = tokio::sync::watch::channel(());
    let run = || {
        let (consumers, mut stopped) = (consumers.clone(), stopped.clone());
        tokio::spawn(async move {
            consumers.run_until(async { drop(stopped.changed().await) }).await.unwrap();
        })
    };
    let mut runs = vec![run()];
    while loads(&consumers).await != [50] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let start = Instant::now();
    runs.extend([run(), run()]);
    let is_spread = async || {
        let mut loads = loads(&consumers).await;
        loads.sort_unstable();
        loads == [16, 17, 17]
    };
    while !is_spread().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("50 partitions, lease 30 s: spread over 3 runs after {:.1?}", start.elapsed());
    stop.send_replace(());
    for run in runs {
        run.await.unwrap();
    }
}
