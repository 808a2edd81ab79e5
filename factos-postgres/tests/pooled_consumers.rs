//! Consumers behind a PgBouncer that has few connections to the server: three processes spread fifty of them, also after
//! one was killed and another one has come.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/cluster.rs"]
mod cluster;
#[path = "pooled_consumers/orders.rs"]
mod orders;
#[path = "support/pooler.rs"]
mod pooler;
#[path = "pooled_consumers/process.rs"]
mod process;
mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use factos::{AppendCondition, EventStore, SequencePosition, encode};
use factos_consumer::port::{PartitionRow, Port};
use factos_postgres::{
    Mode, PostgresConsumers, PostgresStore,
    sqlx::{self, AssertSqlSafe, PgPool, postgres::PgConnectOptions},
};
use orders::{NAMES, Sales};
use pooler::{PoolMode, Pooler};
use process::{LEASE, Process};
use support::{Schema, pool, url};

/// Connections of the pooler to the server.
const CONNECTIONS: u32 = 9;

/// Longer than any machine takes.
const HANGS: Duration = Duration::from_secs(300);

/// A log, the tables of its consumers, and the table that they write, all seen without the pooler.
struct Shop {
    schema: Schema,
    pool: PgPool,
    store: PostgresStore,
    port: PostgresConsumers,
}

impl Shop {
    async fn open() -> Self {
        let schema = Schema::new(Mode::Keyed).await;
        let table = "CREATE TABLE log.applied (consumer text NOT NULL, position int8 NOT NULL)";
        schema.run(table).await;
        let pool = pool(6).await;
        let store = schema.config().open(pool.clone()).await.unwrap();
        let port = PostgresConsumers::new(pool.clone(), &schema.name).unwrap();
        port.migrate().await.unwrap();
        Self { schema, pool, store, port }
    }

    async fn partitions(&self) -> Vec<PartitionRow> {
        let rows = self.port.consumers().await.unwrap();
        rows.into_iter().flat_map(|row| row.partitions).collect()
    }

    /// How many partitions each process has; of the others, how many of all are left.
    async fn loads(&self, processes: &[Process]) -> (Vec<usize>, usize) {
        let mut loads: BTreeMap<_, _> = processes.iter().map(|it| (it.prefix(), 0)).collect();
        let mut others = NAMES.len();
        for owner in self.partitions().await.into_iter().filter_map(|row| row.owner) {
            let of_it = loads.iter_mut().find(|(prefix, _)| owner.0.starts_with(&**prefix));
            if let Some((_, load)) = of_it {
                (*load, others) = (*load + 1, others - 1);
            }
        }
        let mut loads: Vec<_> = loads.into_values().collect();
        loads.sort_unstable();
        (loads, others)
    }

    /// Waits until these processes have everything, and none more than another one by two.
    async fn is_spread(&self, processes: &mut [Process]) -> Duration {
        let (began, even) = (Instant::now(), (vec![16, 17, 17], 0));
        loop {
            let loads = self.loads(processes).await;
            if loads == even {
                return began.elapsed();
            }
            assert!(began.elapsed() < HANGS, "{loads:?}");
            assert!(!processes.iter_mut().any(Process::has_ended), "a process has ended");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every consumer has come to a position.
    async fn has_come_to(&self, last: SequencePosition) {
        let began = Instant::now();
        loop {
            let partitions = self.partitions().await;
            let behind = partitions.iter().filter(|row| row.position < Some(last)).count();
            if behind == 0 {
                return;
            }
            assert!(began.elapsed() < HANGS, "{behind} consumers have not come to {last}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Every event once, in the rows of every consumer.
    async fn assert_exact(&self, ordered: &[SequencePosition]) {
        let sql = format!(
            "SELECT consumer, pg_catalog.array_agg(position ORDER BY position)
             FROM \"{}\".applied GROUP BY consumer",
            self.schema.name
        );
        let rows = sqlx::query_as::<_, (String, Vec<i64>)>(AssertSqlSafe(sql));
        let rows: BTreeMap<_, _> = rows.fetch_all(&self.pool).await.unwrap().into_iter().collect();
        let ordered: Vec<_> = ordered.iter().map(|it| it.get().cast_signed()).collect();
        let wanted = NAMES.iter().map(|name| ((*name).to_owned(), ordered.clone())).collect();
        assert_eq!(rows, wanted);
    }
}

/// Orders until it is told to stop, and tells where in the log they are.
fn keep_ordering(
    store: PostgresStore,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<Vec<SequencePosition>> {
    tokio::spawn(async move {
        let mut ordered = Vec::new();
        while !stop.load(Ordering::Relaxed) || ordered.is_empty() {
            let order = encode(&Sales::Ordered { order: 1 }).unwrap();
            let records = store.append(vec![order], AppendCondition::None).await.unwrap();
            ordered.push(records[0].position);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        ordered
    })
}

async fn spread(test: &str, mode: PoolMode) {
    if let Some(schema) = process::schema() {
        return process::work(schema).await;
    }
    let shop = Shop::open().await;
    let server = url().parse::<PgConnectOptions>().unwrap().get_port();
    let pooler = Pooler::before(server, mode, CONNECTIONS).await;
    let start = || Process::start(test, &shop.schema, &pooler, mode);
    let stop = Arc::new(AtomicBool::new(false));
    let orders = keep_ordering(shop.store.clone(), Arc::clone(&stop));

    let mut processes = vec![start()];
    while shop.loads(&processes).await != (vec![50], 0) {
        assert!(!processes[0].has_ended());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    processes.extend([start(), start()]);
    let joined = shop.is_spread(&mut processes).await;
    processes.swap_remove(0).kill();
    processes.push(start());
    let replaced = shop.is_spread(&mut processes).await;
    println!(
        "{mode:?}: spread {joined:?} after two have joined one, {replaced:?} after one was killed and another one \
         was started, with a lease of {LEASE:?}"
    );

    stop.store(true, Ordering::Relaxed);
    let ordered = orders.await.unwrap();
    shop.has_come_to(*ordered.last().unwrap()).await;
    shop.assert_exact(&ordered).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn fifty_consumers_spread_over_three_processes_that_have_sessions_of_a_pooler() {
    spread(
        "fifty_consumers_spread_over_three_processes_that_have_sessions_of_a_pooler",
        PoolMode::Session,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn fifty_consumers_spread_over_three_processes_that_have_transactions_of_a_pooler() {
    spread(
        "fifty_consumers_spread_over_three_processes_that_have_transactions_of_a_pooler",
        PoolMode::Transaction,
    )
    .await;
}
