//! Runs of consumers on PostgreSQL: processes that are killed, transactions that stay open, and what an idle run asks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use factos::{AppendCondition, Event, EventStore, QueryFor, Recorded, SequencePosition, encode};
use factos_consumer::{Consumers, OnError, Options, PartitionKey, Projection, port::Port};
use factos_postgres::{
    Config, Mode, PostgresConsumers, PostgresStore,
    sqlx::{self, AssertSqlSafe, PgConnection, PgPool, postgres::PgPoolOptions},
};
use support::{Schema, options_of_database, pool, unique, url};
use tokio::sync::watch;

const LONG: Duration = Duration::from_secs(600);

#[derive(Debug, Event)]
enum Sales {
    Ordered {
        #[tag]
        order: u64,
    },
}

/// The position of each event, in a table of the schema's.
struct Orders {
    schema: String,
}

impl Projection for Orders {
    type Event = Sales;
    type Tx = PgConnection;
    type Error = sqlx::Error;

    const NAME: &'static str = "orders";

    fn query(&self) -> QueryFor<Sales> {
        QueryFor::all_types()
    }

    fn key(&self, record: &Recorded<Sales>) -> Option<PartitionKey> {
        let Sales::Ordered { order } = record.event;
        Some(PartitionKey::new(order))
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        records: &[Recorded<Sales>],
    ) -> Result<(), sqlx::Error> {
        let sql = format!("INSERT INTO \"{}\".applied (position) VALUES ($1)", self.schema);
        for record in records {
            let position = record.position.get().cast_signed();
            sqlx::query(AssertSqlSafe(&*sql)).bind(position).execute(&mut *tx).await?;
        }
        Ok(())
    }
}

/// A log with the tables of its consumers.
struct Shop {
    schema: Schema,
    store: PostgresStore,
    pool: PgPool,
}

impl Shop {
    async fn open(mode: Mode) -> Self {
        let schema = Schema::new(mode).await;
        let pool = pool(8).await;
        let store = schema.config().open(pool.clone()).await.unwrap();
        schema.run(&format!("CREATE TABLE \"{}\".applied (position int8)", schema.name)).await;
        let shop = Self { schema, store, pool };
        shop.port().migrate().await.unwrap();
        shop
    }

    fn port(&self) -> PostgresConsumers {
        PostgresConsumers::new(self.pool.clone(), &self.schema.name).unwrap()
    }

    fn consumers(&self, partitions: u32) -> Consumers<PostgresConsumers> {
        let orders = Orders { schema: self.schema.name.clone() };
        let options = Options::new(OnError::Stop).page(3).partitions(partitions);
        Consumers::new(self.store.clone(), self.port()).project(orders, options)
    }

    async fn order(&self, order: u64) -> SequencePosition {
        let event = encode(&Sales::Ordered { order }).unwrap();
        self.store.append(vec![event], AppendCondition::None).await.unwrap()[0].position
    }

    async fn applied(&self) -> Vec<u64> {
        let sql =
            format!("SELECT position FROM \"{}\".applied ORDER BY position", self.schema.name);
        let rows = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_all(&self.pool).await;
        rows.unwrap().into_iter().map(i64::cast_unsigned).collect()
    }

    async fn positions(&self) -> Vec<u64> {
        use factos::EventStoreExt;
        let all = factos::Query::all();
        let records = self.store.read_all(&all).await.unwrap();
        records.iter().map(|record| record.position.get()).collect()
    }
}

/// Runs consumers until the sender is dropped.
fn run(
    consumers: &Consumers<PostgresConsumers>,
    stop: &watch::Sender<()>,
) -> tokio::task::JoinHandle<()> {
    let (consumers, mut stop) = (consumers.clone(), stop.subscribe());
    tokio::spawn(async move {
        consumers.run_until(async { drop(stop.changed().await) }).await.unwrap();
    })
}

const SCHEMA: &str = "FACTOS_TEST_SCHEMA";
const MODE: &str = "FACTOS_TEST_MODE";

/// What a process does that is to be killed.
async fn work(schema: String) {
    let mode = if env::var(MODE).unwrap() == "keyed" { Mode::Keyed } else { Mode::Portable };
    let pool = PgPoolOptions::new().max_connections(6).connect(&url()).await.unwrap();
    let config = Config::new().schema(&schema).unwrap().mode(mode);
    let store = config.open(pool.clone()).await.unwrap();
    let port = PostgresConsumers::new(pool, &schema).unwrap();
    let options = Options::new(OnError::Stop).page(3).partitions(2);
    let consumers = Consumers::new(store, port).project(Orders { schema }, options);
    consumers.lease(Duration::from_millis(100)).run_until(std::future::pending()).await.unwrap();
}

/// The test that starts these processes, and that they run.
const NAME: &str = "each_change_is_kept_once_however_often_a_process_is_killed";

fn child(shop: &Shop, mode: Mode) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", NAME, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(SCHEMA, &shop.schema.name);
    command.env(MODE, if mode == Mode::Keyed { "keyed" } else { "portable" });
    command.stdout(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn each_change_is_kept_once_however_often_a_process_is_killed() {
    if let Ok(schema) = env::var(SCHEMA) {
        return work(schema).await;
    }
    for mode in [Mode::Keyed, Mode::Portable] {
        let shop = Shop::open(mode).await;
        let mut last = shop.order(0).await;
        let mut children = Vec::new();
        for round in 0..24_u64 {
            children.push(child(&shop, mode));
            let before = shop.applied().await.len();
            for number in 0..20 {
                last = shop.order(number % 7).await;
            }
            // Every other one is killed in the middle of its work, by the server's clock.
            while round % 2 == 0 && shop.applied().await.len() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..20))).await;
            let mut killed = children.swap_remove(fastrand::usize(..children.len()));
            killed.kill().unwrap();
            killed.wait().unwrap();
        }
        let (stop, _) = watch::channel(());
        let consumers = shop.consumers(2).lease(Duration::from_millis(100));
        let running = run(&consumers, &stop);
        consumers.wait_for("orders", last, LONG).await.unwrap();
        drop(stop);
        running.await.unwrap();
        assert_eq!(shop.applied().await, shop.positions().await, "{mode}");
    }
}

/// How long the transaction stays open.
const OPEN: Duration = Duration::from_secs(10);

async fn is_not_passed_over(mode: Mode) {
    let shop = Shop::open(mode).await;
    let (stop, _) = watch::channel(());
    let consumers = shop.consumers(3);
    let running = run(&consumers, &stop);
    let first = shop.order(0).await;
    consumers.wait_for("orders", first, LONG).await.unwrap();
    // A portable log has one writer at a time, so the others wait for it.
    let mut transaction = shop.pool.begin().await.unwrap();
    let held = vec![encode(&Sales::Ordered { order: 1 }).unwrap()];
    let held = shop.store.append_in(&mut transaction, held, AppendCondition::None);
    let held = held.await.unwrap()[0].position;
    let others = (2..30).map(|order| shop.order(order));
    let (others, ()) = tokio::join!(futures_util::future::join_all(others), async {
        tokio::time::sleep(OPEN).await;
        assert!(!shop.applied().await.contains(&held.get()));
        transaction.commit().await.unwrap();
    });
    let last = *others.iter().max().unwrap();
    consumers.wait_for("orders", last.max(held), LONG).await.unwrap();
    drop(stop);
    running.await.unwrap();
    assert_eq!(shop.applied().await, shop.positions().await, "{mode}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_event_of_a_transaction_that_stays_open_is_not_passed_over() {
    tokio::join!(is_not_passed_over(Mode::Keyed), is_not_passed_over(Mode::Portable));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn fifty_partitions_spread_over_three_runs() {
    let shop = Shop::open(Mode::Keyed).await;
    let consumers = shop.consumers(50);
    let (stop, _) = watch::channel(());
    let mut runs = vec![run(&consumers, &stop)];
    let loads = async || {
        let rows = shop.port().consumers().await.unwrap();
        let mut loads = std::collections::BTreeMap::<_, usize>::new();
        for owner in rows.iter().flat_map(|row| &row.partitions).map(|it| it.owner.clone()) {
            *loads.entry(owner).or_default() += 1;
        }
        let mut loads: Vec<_> =
            loads.into_iter().filter(|(owner, _)| owner.is_some()).map(|it| it.1).collect();
        loads.sort_unstable();
        loads
    };
    while loads().await != [50] {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    runs.extend([run(&consumers, &stop), run(&consumers, &stop)]);
    while loads().await != [16, 17, 17] {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stop);
    for run in runs {
        run.await.unwrap();
    }
    assert!(loads().await.is_empty(), "every lease was given back");
}

/// How many transactions there were in a database, as far as the server has counted them.
async fn transactions(any: &PgPool, database: &str) -> i64 {
    let count = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
    sqlx::query_scalar(count).bind(database).fetch_one(any).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_idle_run_sends_two_statements_a_second_at_most_however_many_partitions_it_has() {
    const SECONDS: u64 = 8;
    let any = pool(1).await;
    let (outside, name) = (Schema::named(Mode::Keyed), unique("idle"));
    outside.run(&format!("CREATE DATABASE {name}")).await;
    let options = PgPoolOptions::new().max_connections(8);
    let pool = options.connect_with(options_of_database(&name)).await.unwrap();
    let store = Config::new().create(true).open(pool.clone()).await.unwrap();
    let port = PostgresConsumers::new(pool.clone(), "public").unwrap();
    port.migrate().await.unwrap();
    let orders = Orders { schema: "public".to_owned() };
    let options = Options::new(OnError::Stop).partitions(50);
    let consumers = Consumers::new(store, port.clone()).project(orders, options);
    let (stop, _) = watch::channel(());
    let running = run(&consumers, &stop);
    let is_held = async || {
        let rows = port.consumers().await.unwrap();
        rows.iter().flat_map(|row| &row.partitions).filter(|it| it.owner.is_some()).count() == 50
    };
    while !is_held().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    let most = 2 * i64::try_from(SECONDS).unwrap();
    let mut asked = Vec::new();
    // The server itself looks into the database once in a while.
    while asked.last().is_none_or(|asked| *asked > most) {
        assert!(asked.len() < 4, "{asked:?} transactions in {SECONDS} s each");
        let before = transactions(&any, &name).await;
        tokio::time::sleep(Duration::from_secs(SECONDS)).await;
        asked.push(transactions(&any, &name).await - before);
    }
    println!("{asked:?} transactions in {SECONDS} s each");
    drop(stop);
    running.await.unwrap();
    pool.close().await;
    outside.run(&format!("DROP DATABASE {name}")).await;
}
