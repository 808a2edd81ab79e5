//! What consumers must not forget, in PostgreSQL: the suite, and what only a server can do to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

#[path = "consumer_port/costs.rs"]
mod costs;
#[path = "consumer_port/leases.rs"]
mod leases;
#[path = "consumer_port/tables.rs"]
mod tables;
#[path = "consumer_port/work.rs"]
mod work;

use std::{error::Error, sync::Arc, time::Duration};

use factos::{Anchor, EventId, SequencePosition};
use factos_consumer::{
    conformance::PortFixture,
    port::{
        Advance, ConsumerId, Failure, Grant, NewParked, PartitionId, Port, ProcessId, Registration,
        Step, Succession, Token, Work,
    },
};
use factos_postgres::{
    Mode, PostgresConsumers,
    sqlx::{
        self, AssertSqlSafe, PgConnection, PgPool, Row,
        postgres::{PgConnectOptions, PgPoolOptions},
        raw_sql,
    },
};
use futures_util::future::BoxFuture;
use support::{Schema, pool, url};

/// The tables of one test, and one that its consumers write.
#[derive(Clone)]
struct Tables(Arc<Schema>);

impl Tables {
    async fn new() -> Self {
        let schema = Schema::named(Mode::Keyed);
        schema.run(&format!("CREATE SCHEMA \"{}\"", schema.name)).await;
        schema.run("CREATE TABLE log.written (id serial, text text NOT NULL)").await;
        let tables = Self(Arc::new(schema));
        tables.port().await.migrate().await.unwrap();
        tables
    }

    async fn port(&self) -> PostgresConsumers {
        self.port_with(8, &[]).await
    }

    /// A port of so many connections with these settings, which see the schema first.
    async fn port_with(&self, connections: u32, settings: &[(&str, &str)]) -> PostgresConsumers {
        let options: PgConnectOptions = url().parse().unwrap();
        let options = options.options([("search_path", &*self.0.name)]).options(settings.to_vec());
        let pool = PgPoolOptions::new().max_connections(connections);
        self.port_of(pool.connect_with(options).await.unwrap())
    }

    fn port_of(&self, pool: PgPool) -> PostgresConsumers {
        PostgresConsumers::new(pool, &self.0.name).unwrap()
    }

    async fn run(&self, sql: &str) {
        self.0.run(sql).await;
    }

    async fn rows(&self) -> Vec<String> {
        let pool = pool(1).await;
        let sql = format!("SELECT text FROM \"{}\".written ORDER BY id", self.0.name);
        let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&pool).await.unwrap();
        pool.close().await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Work that runs SQL, in which `log.` stands for the schema.
    fn work(&self, sql: &str) -> Option<Box<dyn Work<PgConnection>>> {
        let sql = sql.replace("log.", &format!("\"{}\".", self.0.name));
        Some(Box::new(Sql(vec![sql])))
    }

    /// Registers the consumer `orders` in this many partitions.
    async fn register(&self, port: &PostgresConsumers, partitions: u32) {
        let (consumer, succession) = (orders(), Succession::Rebuild);
        let registration = Registration { consumer, partitions, succession, start: None };
        port.register(&registration).await.unwrap();
    }
}

/// Work that runs statements one after the other, whatever becomes of them but for the last.
struct Sql(Vec<String>);

impl Work<PgConnection> for Sql {
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut PgConnection,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            let mut outcome = Ok(());
            for sql in self.0 {
                outcome = raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.map(drop);
            }
            Ok(outcome?)
        })
    }
}

impl PortFixture for Tables {
    type Port = PostgresConsumers;

    async fn fresh() -> Self {
        Self::new().await
    }

    async fn connect(&self) -> PostgresConsumers {
        self.port().await
    }

    fn write<'t>(
        tx: &'t mut PgConnection,
        row: &'t str,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            let sql = "INSERT INTO written (text) VALUES ($1)";
            sqlx::query(sql).bind(row).execute(tx).await?;
            Ok(())
        })
    }

    async fn rows(&self) -> Vec<String> {
        Self::rows(self).await
    }
}

mod suite {
    factos_consumer::conformance!(
        crate::Tables,
        ignore = "needs a PostgreSQL server: run by scripts/test"
    );
}

fn orders() -> ConsumerId {
    ConsumerId::new("orders", 1)
}

fn partition(number: u32) -> PartitionId {
    PartitionId { consumer: orders(), number }
}

fn process(name: &str) -> ProcessId {
    ProcessId(name.to_owned())
}

fn at(position: u64) -> Option<SequencePosition> {
    SequencePosition::new(position)
}

fn anchor(position: u64) -> Anchor {
    Anchor::new("log", at(position).unwrap(), EventId::new())
}

fn step(number: u32, token: Token, from: u64, to: u64) -> Step {
    let advance = Advance { from: at(from), to: anchor(to) };
    Step { advance: Some(advance), ..Step::new(partition(number), token) }
}

fn parked(position: u64, key: Option<&str>, retry_in: Option<Duration>) -> NewParked {
    NewParked {
        position: at(position).unwrap(),
        index: 0,
        key: key.map(str::to_owned),
        slot: 0,
        failure: Failure { attempts: 1, reason: "it failed".to_owned(), retry_in },
    }
}

const LONG: Duration = Duration::from_secs(60);

async fn lease(port: &PostgresConsumers, name: &str, number: u32, length: Duration) -> Grant {
    port.acquire(&process(name), &partition(number), length).await.unwrap().unwrap()
}
