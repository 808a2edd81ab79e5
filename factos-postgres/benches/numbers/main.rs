//! The figures that this store is held to, beside bare statements in the same interleaved run.
//!
//! `scripts/with-postgres cargo bench -p factos-postgres --bench numbers -- [--events N] [W1 W2 ...]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod bare;
mod log;
mod work;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use factos_postgres::{Config, Mode, sqlx::postgres::PgPoolOptions};

use crate::{bare::Bare, log::Log};

/// Measures the PostgreSQL store, medians of several repeats, through the public API.
#[derive(Debug, Parser)]
struct Options {
    /// How many events the log holds before
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// How often each cell is measured, interleaved
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// How long a cell is measured, in milliseconds
    #[arg(long, default_value_t = 700)]
    slice: u64,
    /// The mode of the log
    #[arg(long, default_value = "keyed", value_parser = ["keyed", "portable"])]
    mode: String,
    /// How many groups of appends may be on their way at a time
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// How many names a group may lock
    #[arg(long, default_value_t = 64)]
    names: usize,
    /// How many appends a group may have
    #[arg(long, default_value_t = 256)]
    appends: usize,
    /// How many clients work at a time, a cell for each
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32])]
    clients: Vec<usize>,
    /// Which work: W1 to W7 and HELD; all if none is named
    work: Vec<String>,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn runs(&self, work: &str) -> bool {
        self.work.is_empty() || self.work.iter().any(|named| named == work)
    }
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let url = std::env::var("FACTOS_POSTGRES_URL").expect("run through scripts/with-postgres");
    let clients = options.clients.iter().max().copied().unwrap_or_default();
    let pool = PgPoolOptions::new()
        .max_connections((2 * clients).max(64).try_into().unwrap())
        .acquire_timeout(Duration::from_secs(120))
        .connect(&url)
        .await
        .unwrap();
    let mode = if options.mode == "keyed" { Mode::Keyed } else { Mode::Portable };
    let schema = format!("bench_{}", std::process::id());
    let config = Config::new()
        .schema(&schema)
        .unwrap()
        .mode(mode)
        .create(true)
        .workers(options.workers)
        .batch(options.appends, 16 << 20)
        .batch_names(options.names)
        .lock_timeout(Duration::from_secs(60));
    let store = config.open(pool.clone()).await.unwrap();
    let log = Arc::new(Log::filled(store, pool.clone(), &schema, options.events).await);
    let bare = Arc::new(Bare::created(pool.clone(), &schema).await);
    println!(
        "{} events, {} log, medians of {} repeats of {} ms",
        options.events, options.mode, options.repeats, options.slice
    );
    let mut cells = Cells::default();
    for _ in 0..options.repeats {
        round(&options, &log, &bare, &mut cells).await;
    }
    cells.print();
    factos_postgres::sqlx::raw_sql(factos_postgres::sqlx::AssertSqlSafe(format!(
        "DROP SCHEMA {schema} CASCADE"
    )))
    .execute(&pool)
    .await
    .unwrap();
}

/// Every cell once.
async fn round(options: &Options, log: &Arc<Log>, bare: &Arc<Bare>, cells: &mut Cells) {
    let slice = Duration::from_millis(options.slice);
    for &clients in &options.clients {
        if ["W1", "W2", "W4", "W5"].iter().any(|work| options.runs(work)) {
            cells.add("bare INSERT", clients, run(clients, slice, bare.inserts()).await);
        }
        if options.runs("W1") {
            cells.add(
                "W1 unconditional",
                clients,
                run(clients, slice, work::unconditional(log)).await,
            );
        }
        if options.runs("W2") {
            cells.add("W2 conditional", clients, run(clients, slice, work::conditional(log)).await);
        }
        if options.runs("W3") {
            cells.add("W3 one boundary", clients, run(clients, slice, work::hot(log)).await);
        }
        if options.runs("W4") {
            cells.add(
                "W4 read 10, append",
                clients,
                run(clients, slice, work::dispatches(log)).await,
            );
        }
        if options.runs("W5") {
            cells.add("W5 events in 100s", clients, run(clients, slice, work::batches(log)).await);
        }
        if options.runs("W6") {
            cells.add("W6 bare SELECT", clients, run(clients, slice, bare.selects(log)).await);
            cells.add("W6 two-tag read", clients, run(clients, slice, work::reads(log)).await);
        }
    }
    if options.runs("HELD") {
        cells.add("W2, none held", 16, run(16, slice, work::conditional(log)).await);
        let holder = work::hold(log);
        cells.add("W2, 10 ms held", 16, run(16, slice, work::conditional(log)).await);
        holder.abort();
        drop(holder.await);
    }
    if options.runs("W7") {
        cells.add("W7 bare fetch, rows", 1, bare.replay(log).await);
        cells.add("W7 replay, rows", 1, work::replay(log).await);
    }
}

/// One client's endless work: counts what it gets done until it is told to stop.
pub(crate) type Client =
    Box<dyn Fn(usize, Arc<Progress>) -> futures_util::future::BoxFuture<'static, ()>>;

#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicU64,
    over: AtomicBool,
}

impl Progress {
    pub(crate) fn add(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

/// What the clients get done in a second, after a short start.
async fn run(clients: usize, slice: Duration, client: Client) -> f64 {
    let progress = Arc::new(Progress::default());
    let tasks: Vec<_> =
        (0..clients).map(|n| tokio::spawn(client(n, Arc::clone(&progress)))).collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let (before, begun) = (progress.done.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(slice).await;
    let (after, elapsed) = (progress.done.load(Ordering::Relaxed), begun.elapsed());
    progress.over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    (after - before) as f64 / elapsed.as_secs_f64()
}

#[derive(Default)]
struct Cells(BTreeMap<(&'static str, usize), Vec<f64>>);

impl Cells {
    fn add(&mut self, work: &'static str, clients: usize, figure: f64) {
        eprintln!("  {work}, {clients}: {figure:.0}");
        self.0.entry((work, clients)).or_default().push(figure);
    }

    fn median(&self, work: &'static str, clients: usize) -> Option<f64> {
        let mut figures = self.0.get(&(work, clients))?.clone();
        figures.sort_by(f64::total_cmp);
        Some(figures[figures.len() / 2])
    }

    fn print(&self) {
        println!("\n{:<24}{:>10}{:>12}   spread", "work", "clients", "per second");
        for (&(work, clients), figures) in &self.0 {
            let (least, most) = figures
                .iter()
                .fold((f64::MAX, 0.0_f64), |(a, b), &figure| (a.min(figure), b.max(figure)));
            let median = self.median(work, clients).unwrap_or_default();
            println!("{work:<24}{clients:>10}{median:>12.0}   {least:.0} to {most:.0}");
        }
        println!("\n{:<52}{:>8}{:>10}", "ratio", "is", "at least");
        self.ratio(("W1 unconditional", 32), ("bare INSERT", 32), 1.0);
        self.ratio(("W2 conditional", 32), ("bare INSERT", 32), 0.7);
        self.ratio(("W1 unconditional", 1), ("bare INSERT", 1), 0.5);
        self.ratio(("W3 one boundary", 32), ("W2 conditional", 1), 0.4);
        self.ratio(("W4 read 10, append", 32), ("bare INSERT", 32), 0.25);
        self.ratio(("W5 events in 100s", 32), ("W1 unconditional", 32), 2.0);
        self.ratio(("W6 two-tag read", 8), ("W6 bare SELECT", 8), 0.7);
        self.ratio(("W7 replay, rows", 1), ("W7 bare fetch, rows", 1), 0.8);
        self.ratio(("W2, 10 ms held", 16), ("W2, none held", 16), 0.9);
    }

    fn ratio(&self, one: (&'static str, usize), other: (&'static str, usize), least: f64) {
        let (Some(a), Some(b)) = (self.median(one.0, one.1), self.median(other.0, other.1)) else {
            return;
        };
        let text = format!("{} at {} / {} at {}", one.0, one.1, other.0, other.1);
        println!("{text:<52}{:>8.2}{least:>10.2}", a / b);
    }
}
