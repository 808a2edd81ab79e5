//! The figures that this store is held to, beside bare statements in the same interleaved run.
//!
//! `scripts/with-postgres cargo bench -p factos-postgres --bench numbers -- [--events N] [W1 W2 ...]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod bare;
mod cells;
mod client;
mod log;
mod rare;
mod rush;
mod work;

use std::{sync::Arc, time::Duration};

use clap::Parser;
use factos::ReadOptions;
use factos_postgres::{
    Config, Mode,
    sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions, raw_sql},
};

use crate::{
    bare::Bare,
    cells::Cells,
    client::{Running, run},
    log::Log,
    rare::Rare,
};

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
    /// How many groups of appends may be in flight at a time
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
    /// Which work: W1 to W8, HOOKS, HELD, FOLLOW, KEYS and MIX; all if none is named
    work: Vec<String>,
    /// Be the other process of W8, on this boundary
    #[arg(long, hide = true)]
    rival: Option<u64>,
    /// The schema of the log, for the other process
    #[arg(long, hide = true)]
    schema: Option<String>,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn runs(&self, work: &str) -> bool {
        self.work.is_empty() || self.work.iter().any(|named| named == work)
    }

    /// How many events are appended to the log before: RARE makes a log of its own.
    fn filled(&self) -> u64 {
        if self.work == ["RARE"] { 1000 } else { self.events }
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
    let own_schema = format!("bench_{}", std::process::id());
    let schema = options.schema.clone().unwrap_or(own_schema);
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
    if let Some(number) = options.rival {
        let slice = Duration::from_millis(options.slice);
        return rush::rival(&store, number, clients, slice).await;
    }
    let log = Arc::new(Log::filled(store, pool.clone(), &schema, options.filled()).await);
    log.make_table_of_hooks(&pool).await;
    let bare = Arc::new(Bare::created(pool.clone(), &schema).await);
    println!(
        "{} events, {} log, medians of {} repeats of {} ms",
        options.events, options.mode, options.repeats, options.slice
    );
    let mut cells = Cells::default();
    for _ in 0..options.repeats {
        round(&options, &log, &bare, &mut cells).await;
    }
    if options.runs("RARE") {
        rare(&options, &pool, &mut cells).await;
    }
    cells.print();
    raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).execute(&pool).await.unwrap();
}

/// One client on a log of as many events, of which five are of the type that it asks for.
async fn rare(options: &Options, pool: &PgPool, cells: &mut Cells) {
    let schema = format!("bench_rare_{}", std::process::id());
    let rare = Arc::new(Rare::filled(pool, &schema, options.events).await);
    let slice = Duration::from_millis(options.slice);
    for _ in 0..options.repeats {
        let (all, backwards) = (ReadOptions::all(), ReadOptions::all().backwards());
        cells.add("RARE type, hot tag", 1, run(1, slice, rare.reads(all)).await);
        cells.add("RARE, backwards", 1, run(1, slice, rare.reads(backwards)).await);
        cells.add("RARE, condition", 1, run(1, slice, rare.conditions()).await);
    }
    raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).execute(pool).await.unwrap();
}

/// Every cell once.
async fn round(options: &Options, log: &Arc<Log>, bare: &Arc<Bare>, cells: &mut Cells) {
    let slice = Duration::from_millis(options.slice);
    for &clients in &options.clients {
        if ["W1", "W2", "W4", "W5", "W8"].iter().any(|work| options.runs(work)) {
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
        if options.runs("HOOKS") {
            // Beside one another, as the speed of the machine changes.
            cells.add("no hook", clients, run(clients, slice, work::unconditional(log)).await);
            cells.add("a hook of one row", clients, run(clients, slice, work::hooked(log)).await);
            let grouped = work::hooked_as_group(log);
            cells.add("a group hook of one row", clients, run(clients, slice, grouped).await);
        }
        if options.runs("W4") {
            cells.add(
                "W4 read 10, append",
                clients,
                run(clients, slice, work::dispatches(log)).await,
            );
        }
        if options.runs("W8") {
            let (own, hot) = (rush::dispatcher(&log.store), log::tag("hot", fastrand::u64(..)));
            cells.add(
                "W8 one boundary",
                clients,
                run(clients, slice, rush::one_boundary(&own, hot)).await,
            );
            let many = rush::many_boundaries(&own, log.entities);
            rush::warm(&own, log.entities).await;
            cells.add("W8 boundaries of 10", clients, run(clients, slice, many).await);
            let keyed = rush::many_boundaries_with_keys(&own, log.entities);
            cells.add("W8 boundaries of 10, keys", clients, run(clients, slice, keyed).await);
            let hot = log::tag("hot", fastrand::u64(..));
            let keyed = rush::one_boundary_with_keys(&own, hot);
            cells.add("W8 one boundary, keys", clients, run(clients, slice, keyed).await);
            let both = rush::beside_another_process(&log.store, &log.schema, clients, slice);
            cells.add("W8 two processes", clients, both.await);
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
    if options.runs("MIX") {
        mix(slice, log, cells).await;
    }
    if options.runs("KEYS") {
        keys(slice, log, cells).await;
    }
    if options.runs("FOLLOW") {
        // Before and after: the log grows, and appends become slower.
        cells.add("W1, none follow", 32, run(32, slice, work::unconditional(log)).await);
        let followers = Running::start(8, &work::follow(log));
        cells.add("W1, 8 follow", 32, run(32, slice, work::unconditional(log)).await);
        followers.stop().await;
        cells.add("W1, none follow", 32, run(32, slice, work::unconditional(log)).await);
    }
    if options.runs("W7") {
        cells.add("W7 bare fetch, rows", 1, bare.replay(log).await);
        cells.add("W7 replay, rows", 1, work::replay(log).await);
    }
}

/// Conditional appends of 16 clients, each on a boundary of its own, beside 96 callers of a dispatcher on one
/// boundary, whose commands have idempotency keys or none.
async fn keys(slice: Duration, log: &Arc<Log>, cells: &mut Cells) {
    let own = rush::dispatcher(&log.store);
    let hot = || log::tag("hot", fastrand::u64(..));
    for (beside, of_callers, callers) in [
        ("W2 beside 96", "96 beside W2", rush::one_boundary(&own, hot())),
        ("W2 beside 96, keys", "96 beside W2, keys", rush::one_boundary_with_keys(&own, hot())),
    ] {
        let others = Running::start(96, &callers);
        let conditional = Running::start(16, &work::conditional(log));
        tokio::time::sleep(Duration::from_millis(150)).await;
        let (own, of_others) = tokio::join!(conditional.speed(slice), others.speed(slice));
        cells.add(beside, 16, own);
        cells.add(of_callers, 96, of_others);
        conditional.stop().await;
        others.stop().await;
    }
}

/// Conditional appends of 16 clients, each on a boundary of its own, beside 8 others that read and append: each on
/// a boundary of its own as well; or four on one hot boundary, and four on one that transactions hold for 10 ms each.
async fn mix(slice: Duration, log: &Arc<Log>, cells: &mut Cells) {
    let others = Running::start(8, &work::cold(log));
    cells.add("W2 beside cold", 16, run(16, slice, work::conditional(log)).await);
    others.stop().await;
    let holder = work::hold(log);
    let others = [Running::start(4, &work::hot(log)), Running::start(4, &work::held(log))];
    cells.add("W2 beside hot, held", 16, run(16, slice, work::conditional(log)).await);
    for others in others {
        others.stop().await;
    }
    holder.abort();
    drop(holder.await);
}
