//! Logs that are made from changed SQL.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use factos::conformance::Fixture;
use factos_postgres::{
    Config, Mode,
    sqlx::{
        AssertSqlSafe, Executor,
        postgres::{PgConnectOptions, PgPoolOptions},
        raw_sql,
    },
};

use crate::{
    flushed::Flushed,
    handle::{Handle, handle},
    support::{Schema, pool, url},
};

/// A text that stands once in the SQL, and what stands there instead.
pub(crate) type Change = (&'static str, &'static str);

pub(crate) trait Mutant: Send + Sync + 'static {
    const MODE: Mode;

    fn changes() -> Vec<Change>;
}

/// A log that is made from changed SQL.
pub(crate) struct Log<M>(Arc<Schema>, Flushed, PhantomData<M>);

impl<M: Mutant> Fixture for Log<M> {
    type Store = Handle;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn fresh() -> Self {
        let schema = Schema::named(M::MODE);
        let mut sql = Config::new().mode(M::MODE).sql();
        for (from, to) in M::changes() {
            let (from, to) = (qualified(from), qualified(to));
            assert_eq!(sql.matches(&from).count(), 1, "{from:?} in {sql}");
            sql = sql.replace(&from, &to);
        }
        let pool = pool(1).await;
        pool.execute(raw_sql(AssertSqlSafe(moved(&sql, &schema.name)))).await.unwrap();
        pool.close().await;
        Self(Arc::new(schema), Flushed::default(), PhantomData)
    }

    async fn connect(&self) -> Handle {
        let options: PgConnectOptions = url().parse().unwrap();
        let pool = PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
        handle(self.0.config().open(pool).await.unwrap(), Some(&self.0))
    }

    async fn flushes(&self) -> Option<u64> {
        Some(self.1.bytes().await)
    }
}

/// The SQL with the schema's name as `Config::sql` writes it.
fn qualified(sql: &str) -> String {
    sql.replace("factos.", "\"factos\".")
}

/// The SQL of a log in a schema of this name, with lock classes of its own.
fn moved(sql: &str, name: &str) -> String {
    let class = fastrand::u32(1..0x4000_0000) * 2;
    sql.replace("\"factos\"", &format!("\"{name}\""))
        .replace("1178796033", &class.to_string())
        .replace("1178796034", &(class + 1).to_string())
}
