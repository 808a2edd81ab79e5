//! A process that runs the consumers behind a pooler: this test binary again.

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use factos_consumer::Consumers;
use factos_postgres::{
    Config, PostgresConsumers,
    sqlx::{PgPool, postgres::PgPoolOptions},
};

use crate::{
    orders,
    pooler::{PoolMode, Pooler},
    support::{Schema, url},
};

/// How long a process is missed that was killed.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

const SCHEMA: &str = "FACTOS_TEST_SCHEMA";
const POOLER: &str = "FACTOS_TEST_POOLER";
const IS_POOLED: &str = "FACTOS_TEST_LOG_IS_POOLED";

pub(crate) struct Process(Child);

impl Process {
    /// Starts one, which runs this test. The log is behind the pooler as well where that gives each client a session.
    pub(crate) fn start(test: &str, schema: &Schema, pooler: &Pooler, mode: PoolMode) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(SCHEMA, &schema.name).env(POOLER, pooler.url());
        command.env(IS_POOLED, (mode == PoolMode::Session).to_string());
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    /// What the names of its runs begin with.
    pub(crate) fn prefix(&self) -> String {
        format!("{}-", self.0.id())
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that has failed leaves none behind.
        drop((self.0.kill(), self.0.wait()));
    }
}

async fn pool_of(url: &str, connections: u32) -> PgPool {
    let options = PgPoolOptions::new().max_connections(connections);
    options.acquire_timeout(Duration::from_secs(60)).connect(url).await.unwrap()
}

/// The schema that this process works on, if it is one that was started.
pub(crate) fn schema() -> Option<String> {
    env::var(SCHEMA).ok()
}

pub(crate) async fn work(schema: String) {
    let pooler = env::var(POOLER).unwrap();
    // Every client of a pooler that gives it a session takes one of the few connections.
    let (log, pool) = if env::var(IS_POOLED).unwrap() == "true" {
        let pool = pool_of(&pooler, 3).await;
        (pool.clone(), pool)
    } else {
        (pool_of(&url(), 3).await, pool_of(&pooler, 8).await)
    };
    let store = Config::new().schema(&schema).unwrap().open(log).await.unwrap();
    let port = PostgresConsumers::new(pool, &schema).unwrap();
    let consumers = orders::with_all(Consumers::new(store, port).lease(LEASE), &schema);
    consumers.run_until(std::future::pending()).await.unwrap();
}
