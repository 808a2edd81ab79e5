//! How many transactions a server has given numbers to.

use factos_postgres::sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, query_scalar, raw_sql,
};

use crate::cluster::Cluster;

/// Uses so many up: each block with a handler is a subtransaction, which takes a number when it writes.
pub(crate) async fn spend(server: &Cluster, numbers: u32) {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let sql = format!(
        "CREATE TEMPORARY TABLE spent (n int);
         DO $$ BEGIN
           FOR n IN 1..{numbers} LOOP
             BEGIN
               INSERT INTO spent VALUES (n);
             EXCEPTION WHEN unique_violation THEN
               RAISE;
             END;
           END LOOP;
         END $$"
    );
    connection.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
}

/// The next one.
pub(crate) async fn next(server: &Cluster) -> i64 {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    query_scalar("SELECT txid_current()").fetch_one(&mut connection).await.unwrap()
}
