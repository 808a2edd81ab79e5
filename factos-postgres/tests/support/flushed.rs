//! How far the server has flushed its write-ahead log.

use factos_postgres::sqlx::{PgPool, query_scalar};
use tokio::sync::OnceCell;

use crate::support::pool;

/// Asks on connections of its own. What the other logs of the server write counts as well.
#[derive(Default)]
pub(crate) struct Flushed(OnceCell<PgPool>);

impl Flushed {
    pub(crate) async fn bytes(&self) -> u64 {
        let pool = self.0.get_or_init(|| pool(4)).await;
        let bytes = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint";
        query_scalar::<_, i64>(bytes).fetch_one(pool).await.unwrap().try_into().unwrap()
    }
}
