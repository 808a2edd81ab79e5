use factos_postgres::sqlx::{
    AssertSqlSafe, Executor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
    query_scalar, raw_sql,
};

/// A database of its own, so that what is counted in it is of the measurement alone. It stays, on a server that is thrown away.
pub(crate) struct Database {
    options: PgConnectOptions,
    /// Leads to another database, from which this one is looked at.
    outside: PgPool,
    name: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let url = std::env::var("FACTOS_POSTGRES_URL").expect("run through scripts/with-postgres");
        let options: PgConnectOptions = url.parse().unwrap();
        let name = format!("scale_{}", std::process::id());
        let outside =
            PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();
        outside.execute(raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))).await.unwrap();
        Self { options: options.database(&name), outside, name }
    }

    pub(crate) async fn pool(&self, connections: u32) -> PgPool {
        let options = PgPoolOptions::new().max_connections(connections);
        options.connect_with(self.options.clone()).await.unwrap()
    }

    /// How many transactions have ended in it, as far as the server has counted them.
    pub(crate) async fn transactions(&self) -> i64 {
        self.count("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1")
            .await
    }

    /// How many pages the server has looked at in it, as far as it has counted them.
    pub(crate) async fn pages(&self) -> i64 {
        self.count("SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = $1").await
    }

    pub(crate) async fn connections(&self) -> i64 {
        self.count("SELECT count(*) FROM pg_stat_activity WHERE datname = $1").await
    }

    pub(crate) async fn bytes(&self) -> i64 {
        self.count("SELECT pg_database_size($1)").await
    }

    async fn count(&self, sql: &'static str) -> i64 {
        query_scalar(sql).bind(&self.name).fetch_one(&self.outside).await.unwrap()
    }
}
