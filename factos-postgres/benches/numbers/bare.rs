//! Bare statements, as written by hand: one table with one index, without checks.

use std::{sync::Arc, time::Instant};

use factos_postgres::sqlx::{AssertSqlSafe, PgPool, Row, query, raw_sql};
use futures_util::TryStreamExt;

use crate::{client::Client, log::Log};

const COLUMNS: &str =
    "position, id, stream, revision, type, version, tags, metadata, recorded_at, payload";

pub(crate) struct Bare {
    pool: PgPool,
    table: String,
}

impl Bare {
    pub(crate) async fn created(pool: PgPool, schema: &str) -> Self {
        let table = format!("{schema}.bare");
        let sql = format!(
            "CREATE TABLE {table} (position bigserial PRIMARY KEY, id uuid NOT NULL, stream text, \
             revision bigint, type text NOT NULL, version bigint NOT NULL, tags text[] NOT NULL, \
             metadata json, recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(), \
             payload bytea NOT NULL)"
        );
        raw_sql(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
        Self { pool, table }
    }

    pub(crate) fn inserts(&self) -> Client {
        let sql: Arc<str> = format!(
            "INSERT INTO {} (id, type, version, tags, payload) VALUES ($1::text::uuid, $2, 1, $3, $4) RETURNING position",
            self.table
        )
        .into();
        let pool = self.pool.clone();
        Box::new(move |n, progress| {
            let (sql, pool) = (Arc::clone(&sql), pool.clone());
            Box::pin(async move {
                let mut connection = pool.acquire().await.unwrap();
                let tags = [format!("entity:{n}"), format!("region:{n}")];
                while progress.goes_on() {
                    query(AssertSqlSafe(Arc::clone(&sql)))
                        .bind(factos::EventId::new().to_string())
                        .bind("bench.changed")
                        .bind(&tags[..])
                        .bind(&[b'x'; 200][..])
                        .fetch_one(&mut *connection)
                        .await
                        .unwrap();
                    progress.add(1);
                }
            })
        })
    }

    pub(crate) fn selects(&self, log: &Arc<Log>) -> Client {
        let sql: Arc<str> = format!(
            "SELECT e.{} FROM {schema}.tags t JOIN {schema}.events e ON e.position = t.position
             WHERE t.tag = $1 AND e.tags @> $2 ORDER BY t.position",
            COLUMNS.replace(", ", ", e."),
            schema = log.schema
        )
        .into();
        let (pool, log) = (self.pool.clone(), Arc::clone(log));
        Box::new(move |_, progress| {
            let (sql, pool, log) = (Arc::clone(&sql), pool.clone(), Arc::clone(&log));
            Box::pin(async move {
                let mut connection = pool.acquire().await.unwrap();
                while progress.goes_on() {
                    let tags = Log::tags(log.any_entity());
                    let rows = query(AssertSqlSafe(Arc::clone(&sql)))
                        .bind(tags[0].as_str())
                        .bind(tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>())
                        .fetch_all(&mut *connection)
                        .await
                        .unwrap();
                    assert!(rows.len() >= 10);
                    progress.add(1);
                }
            })
        })
    }

    /// Rows a second of one fetch of the whole log.
    pub(crate) async fn replay(&self, log: &Log) -> f64 {
        let sql = format!("SELECT {COLUMNS} FROM {}.events ORDER BY position", log.schema);
        let mut connection = self.pool.acquire().await.unwrap();
        let begun = Instant::now();
        let (mut count, mut bytes) = (0_u64, 0);
        let mut rows = query(AssertSqlSafe(sql)).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await.unwrap() {
            bytes += row.get::<Vec<u8>, _>(9).len();
            count += 1;
        }
        assert!(bytes > 0);
        count as f64 / begun.elapsed().as_secs_f64()
    }
}
