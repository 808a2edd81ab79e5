//! What an application does within the transaction of each append of a handle.

use std::{
    any::Any,
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use factos::{Bytes, Recorded};
use rusqlite::Connection;

pub(crate) type HookResult = Result<(), Box<dyn Error + Send + Sync>>;

type Run = dyn Fn(&Connection, &[Recorded<Bytes>]) -> HookResult + Send + Sync;

/// A function of the application's. A clone is the same hook.
#[derive(Clone)]
pub(crate) struct Hook(Arc<Run>);

#[derive(Debug, thiserror::Error)]
#[error("the hook panicked: {0}")]
struct Panicked(String);

impl Hook {
    pub(crate) fn new<F>(f: F) -> Self
    where
        F: Fn(&Connection, &[Recorded<Bytes>]) -> HookResult + Send + Sync + 'static,
    {
        Self(Arc::new(f))
    }

    /// This hook, and then another one.
    pub(crate) fn then(self, next: Self) -> Self {
        Self::new(move |connection, records| {
            (self.0)(connection, records)?;
            (next.0)(connection, records)
        })
    }

    /// Its error; a panic is one.
    pub(crate) fn run(&self, connection: &Connection, records: &[Recorded<Bytes>]) -> HookResult {
        let run = catch_unwind(AssertUnwindSafe(|| (self.0)(connection, records)));
        run.unwrap_or_else(|panic| Err(Panicked(message(&*panic)).into()))
    }
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
