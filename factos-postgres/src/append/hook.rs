//! What an application does within the transaction of the appends of a handle.

use std::{any::Any, error::Error, fmt, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use factos::{Bytes, Recorded};
use futures_util::FutureExt;
use sqlx::PgConnection;

use crate::error::sqlstate;

/// The future of a hook, as [`PostgresStore::with_hook`](crate::PostgresStore::with_hook) and
/// [`with_group_hook`](crate::PostgresStore::with_group_hook) take it: `Box::pin` of an `async move` block.
pub type HookFuture<'a> = Pin<Box<dyn Future<Output = Result<(), HookError>> + Send + 'a>>;

pub(super) type HookError = Box<dyn Error + Send + Sync>;

/// A function that runs for each append.
type Each =
    dyn for<'a> Fn(&'a mut PgConnection, &'a [Recorded<Bytes>]) -> HookFuture<'a> + Send + Sync;

/// A function that runs once for all appends that share a commit.
type Together = dyn for<'a> Fn(&'a mut PgConnection, &'a [&'a [Recorded<Bytes>]]) -> HookFuture<'a>
    + Send
    + Sync;

const CURSOR_IS_GONE: &str = "34000";
const TRANSACTION_FAILED: &str = "25P02";

/// A function of the application's. A clone is the same hook.
#[derive(Clone)]
pub(crate) enum Hook {
    Each(Arc<Each>),
    Together(Arc<Together>),
}

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
    pub(crate) fn each<F>(f: F) -> Self
    where
        F: for<'a> Fn(&'a mut PgConnection, &'a [Recorded<Bytes>]) -> HookFuture<'a>
            + Send
            + Sync
            + 'static,
    {
        Self::Each(Arc::new(f))
    }

    pub(crate) fn together<F>(f: F) -> Self
    where
        F: for<'a> Fn(&'a mut PgConnection, &'a [&'a [Recorded<Bytes>]]) -> HookFuture<'a>
            + Send
            + Sync
            + 'static,
    {
        Self::Together(Arc::new(f))
    }

    /// This hook, and then another one: for one append after the other if both run for each.
    pub(crate) fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Each(first), Self::Each(next)) => Self::each(move |connection, records| {
                let (first, next) = (Arc::clone(&first), Arc::clone(&next));
                Box::pin(async move {
                    first(connection, records).await?;
                    next(connection, records).await
                })
            }),
            (first, next) => Self::together(move |connection, appends| {
                let (first, next) = (first.clone(), next.clone());
                Box::pin(async move {
                    first.call(connection, appends, &mut 0).await?;
                    next.call(connection, appends, &mut 0).await
                })
            }),
        }
    }

    /// Runs it for the appends of a group, and counts those that it has begun with. Its error; a panic is one.
    pub(super) async fn run(
        &self,
        connection: &mut PgConnection,
        appends: &[&[Recorded<Bytes>]],
        begun: &mut usize,
    ) -> Result<(), HookError> {
        let outcome = AssertUnwindSafe(self.call(connection, appends, begun)).catch_unwind().await;
        outcome.unwrap_or_else(|panic| Err(Failing::Panicked(message(&*panic)).into()))
    }

    async fn call(
        &self,
        connection: &mut PgConnection,
        appends: &[&[Recorded<Bytes>]],
        begun: &mut usize,
    ) -> Result<(), HookError> {
        match self {
            Self::Each(each) => {
                for records in appends {
                    *begun += 1;
                    each(connection, records).await?;
                }
                Ok(())
            }
            Self::Together(together) => {
                *begun = appends.len();
                together(connection, appends).await
            }
        }
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
