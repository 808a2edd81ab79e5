//! A session that another client has used is as a new one, and one that is not is not used again.

use factos_postgres::sqlx::{Connection, Executor, PgConnection, Row, query_scalar, raw_sql};

use crate::{
    kept_sessions::{free_processes, kept},
    support::{eventually, pool, unique, until_blocked, url},
};

/// Clients that get sessions which no others get.
struct Clients(String);

impl Clients {
    fn new() -> Self {
        Self(unique("client"))
    }

    async fn connect(&self) -> PgConnection {
        let options = kept(url().parse().unwrap()).await.application_name(&self.0);
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// How many sessions the server has of them.
    async fn sessions(&self) -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        query_scalar(sql).bind(&self.0).fetch_one(&pool(1).await).await.unwrap()
    }
}

async fn process(client: &mut PgConnection) -> i32 {
    let process = query_scalar("SELECT pg_backend_pid()").persistent(false);
    process.fetch_one(client).await.unwrap()
}

/// What a session may keep of its client.
async fn state(client: &mut PgConnection) -> Vec<String> {
    let found = client
        .fetch_all(
            "SELECT 'prepared ' || name FROM pg_prepared_statements
             UNION ALL SELECT 'cursor ' || name FROM pg_cursors
             UNION ALL SELECT 'channel ' || c FROM pg_listening_channels() c
             UNION ALL SELECT 'lock ' || objid FROM pg_locks
               WHERE locktype = 'advisory' AND pid = pg_backend_pid()
             UNION ALL SELECT 'table ' || relname FROM pg_class
               WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'
             UNION ALL SELECT 'setting ' || name FROM pg_settings WHERE source = 'session'",
        )
        .await
        .unwrap();
    found.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_session_that_is_used_again_is_as_a_new_one() {
    let clients = Clients::new();
    let mut first = clients.connect().await;
    let new = state(&mut first).await;
    let process = process(&mut first).await;
    let sql = "SET search_path = elsewhere; PREPARE p AS SELECT 1; LISTEN channel;
         SELECT pg_advisory_lock(4711); CREATE TEMP TABLE t (n int);
         DECLARE c CURSOR WITH HOLD FOR SELECT 1";
    first.execute(raw_sql(sql)).await.unwrap();
    assert_eq!(state(&mut first).await.len(), new.len() + 6);
    first.close().await.unwrap();
    eventually("the session is kept", || async { free_processes().contains(&process) }).await;
    let mut second = clients.connect().await;
    assert_eq!(state(&mut second).await, new);
    assert_eq!(self::process(&mut second).await, process);
    assert_eq!(clients.sessions().await, 1);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_session_in_a_transaction_ends_with_its_client() {
    let clients = Clients::new();
    let mut client = clients.connect().await;
    let process = process(&mut client).await;
    client.execute("BEGIN").await.unwrap();
    drop(client);
    eventually("the session ends", || async { clients.sessions().await == 0 }).await;
    assert!(!free_processes().contains(&process));
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_session_whose_client_leaves_while_it_works_keeps_nothing() {
    const LOCK: &str = "SELECT pg_advisory_lock(4712)";
    let mut holder = PgConnection::connect(&url()).await.unwrap();
    holder.execute(LOCK).await.unwrap();
    let clients = Clients::new();
    let mut client = clients.connect().await;
    let process = process(&mut client).await;
    let waiting = tokio::spawn(async move { client.execute(LOCK).await.map(drop) });
    until_blocked(LOCK).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    holder.close().await.unwrap();
    // It is kept if the server answered before it was seen that nobody listens.
    eventually("the session is over", || async {
        clients.sessions().await == 0 || free_processes().contains(&process)
    })
    .await;
    let sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4712";
    let held: i64 = query_scalar(sql).fetch_one(&pool(1).await).await.unwrap();
    assert_eq!(held, 0);
}
