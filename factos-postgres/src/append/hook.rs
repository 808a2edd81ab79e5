//! What an application does within the transaction of each append of a handle.

use std::{any::Any, error::Error, fmt, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use factos::{Bytes, Recorded};
use futures_util::FutureExt;
use sqlx::PgConnection;

use crate::error::sqlstate;

/// The future of a hook, as [`PostgresStore::with_hook`](crate::PostgresStore::with_hook) takes it: `Box::pin` of an
/// `async move` block.
pub type HookFuture<'a> = Pin<Box<dyn Future<Output = Result<(), HookError>> + Send + 'a>>;

pub(super) type HookError = Box<dyn Error + Send + Sync>;

type Run =
    dyn for<'a> Fn(&'a mut PgConnection, &'a [Recorded<Bytes>]) -> HookFuture<'a> + Send + Sync;

const CURSOR_IS_GONE: &str = "34000";
const TRANSACTION_FAILED: &str = "25P02";

/// A function of the application's. A clone is the same hook.
#[derive(Clone)]
pub(crate) struct Hook(Arc<Run>);

/// How a hook failed without an error of its own.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failing {
    #[error("the hook panicked: {0}")]
    Panicked(String),
    #[error("the hook did not end within {0} ms")]
    TookTooLong(u128),
    #[error("the hook ended the transaction that it ran in, or closed all of its cursors")]
    EndedTransaction,
    #[error("a statement of the hook failed, and the hook did not say so")]
    KeptSilent,
    #[error("the hook left a transaction of its own open")]
    LeftTransactionOpen,
}

impl Hook {
    pub(crate) fn new<F>(f: F) -> Self
    where
        F: for<'a> Fn(&'a mut PgConnection, &'a [Recorded<Bytes>]) -> HookFuture<'a>
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(f))
    }

    /// This hook, and then another one.
    pub(crate) fn then(self, next: Self) -> Self {
        Self::new(move |connection, records| {
            let (first, next) = (self.clone(), next.clone());
            Box::pin(async move {
                (first.0)(connection, records).await?;
                (next.0)(connection, records).await
            })
        })
    }

    /// Its error; a panic is one.
    pub(super) async fn run(
        &self,
        connection: &mut PgConnection,
        records: &[Recorded<Bytes>],
    ) -> Result<(), HookError> {
        let run = async { (self.0)(connection, records).await };
        let outcome = AssertUnwindSafe(run).catch_unwind().await;
        outcome.unwrap_or_else(|panic| Err(Failing::Panicked(message(&*panic)).into()))
    }
}

impl Failing {
    /// What a hook did, by the error of the statement that lowers the guard.
    pub(super) fn of(error: &sqlx::Error) -> Option<Self> {
        match &*sqlstate(error)? {
            CURSOR_IS_GONE => Some(Self::EndedTransaction),
            TRANSACTION_FAILED => Some(Self::KeptSilent),
            _ => None,
        }
    }
}

/// Whether the transaction of a hook lost against another one, and may succeed if it is tried again.
pub(super) fn lost_against_another(error: &HookError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&**error);
    while let Some(error) = cause {
        let driver = error.downcast_ref::<sqlx::Error>();
        if driver.and_then(sqlstate).is_some_and(|code| ["40001", "40P01"].contains(&&*code)) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
