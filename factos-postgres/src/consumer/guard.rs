//! What a consumer writes in the transaction of a call, and what keeps it from ending that.

use std::{error::Error, panic::AssertUnwindSafe};

use factos::{EventId, StoreError};
use factos_consumer::port::{PortError, Work};
use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, PgConnection, raw_sql};

use super::statement::failed;
use crate::error::{kind_of_loss, sqlstate};

const CURSOR_IS_GONE: &str = "34000";
const TRANSACTION_FAILED: &str = "25P02";

/// How the work of a consumer failed without an error of its own.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failing {
    #[error("the consumer ended the transaction that it ran in, or closed all of its cursors")]
    EndedTransaction,
    #[error("a statement of the consumer failed, and the consumer did not say so")]
    KeptSilent,
    #[error("the consumer left a transaction of its own open")]
    LeftTransactionOpen,
}

/// A cursor whose rows are fetched at the commit, where that fails: no COMMIT succeeds before the cursor is closed, and
/// no PREPARE TRANSACTION. It is closed with the transaction, so it also tells whether that is still the same. Nobody
/// can guess its name.
#[derive(Debug)]
pub(super) struct Guard {
    name: String,
}

impl Guard {
    pub(super) fn new() -> Self {
        Self { name: format!("factos_{}", EventId::new().to_string().replace('-', "")) }
    }

    /// The SQL that makes it. There is no setting of this name, which is looked for at the commit: the error tells it.
    pub(super) fn raise(&self) -> String {
        format!(
            "DECLARE {0} NO SCROLL CURSOR WITH HOLD FOR SELECT
               pg_catalog.current_setting('a consumer must not end its transaction')",
            self.name
        )
    }

    /// Runs the work. Then nothing keeps the transaction from being committed.
    pub(super) async fn run(
        &self,
        connection: &mut PgConnection,
        work: Box<dyn Work<PgConnection>>,
    ) -> Result<(), PortError> {
        let running = AssertUnwindSafe(async { work.run(connection).await });
        let outcome = running.catch_unwind().await;
        outcome
            .unwrap_or_else(|panic| Err(factos_consumer::panic_error(&*panic)))
            .map_err(of_work)?;
        self.lower(connection).await
    }

    /// Takes it away. An error if the transaction has ended or failed.
    async fn lower(&self, connection: &mut PgConnection) -> Result<(), PortError> {
        let sql = AssertSqlSafe(format!("CLOSE {}", self.name));
        let Err(error) = raw_sql(sql).execute(connection).await else { return Ok(()) };
        Err(match sqlstate(&error).as_deref() {
            Some(CURSOR_IS_GONE) => Failing::EndedTransaction.into(),
            Some(TRANSACTION_FAILED) => Failing::KeptSilent.into(),
            _ => failed(error),
        })
    }
}

/// The error of work that failed. Work that lost against another transaction, or its connection, has not failed itself.
fn of_work(error: Box<dyn Error + Send + Sync>) -> PortError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
    while let Some(within) = cause {
        if let Some(kind) = within.downcast_ref().and_then(kind_of_loss) {
            return PortError::Database(StoreError::new(kind, error));
        }
        cause = within.source();
    }
    PortError::Work(error)
}

impl From<Failing> for PortError {
    fn from(failing: Failing) -> Self {
        Self::Work(failing.into())
    }
}
