//! What a consumer writes in its transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use factos::StoreError;
use factos_consumer::{
    panic_error,
    port::{PortError, Work},
};
use futures_util::FutureExt;
use rusqlite::ErrorCode;

use crate::write::{transaction::WriteTransaction, write_error::WriteError};

/// Every writer would wait as well, and for ever if the work waits for one of them.
#[derive(Debug, thiserror::Error)]
#[error("it waits for something within its transaction, and holds up every append: do that before")]
struct Waits;

/// Has the consumer write. On an error the transaction is to be rolled back.
pub(super) fn run(
    tx: &mut WriteTransaction,
    work: Option<Box<dyn Work<WriteTransaction>>>,
) -> Result<(), PortError> {
    let Some(work) = work else { return Ok(()) };
    let outcome = catch_unwind(AssertUnwindSafe(|| match work.run(tx).now_or_never() {
        Some(outcome) => outcome,
        None => Err(Waits.into()),
    }));
    let outcome = outcome.unwrap_or_else(|panic| Err(panic_error(&*panic)));
    outcome.map_err(PortError::Work)?;
    // It may have rolled back by itself, and what is written then would be committed alone.
    Ok(tx.check_open().map_err(StoreError::from)?)
}

/// The error of a transaction in which a consumer wrote. What a deferred constraint refuses at the commit is an error of
/// the consumer's.
pub(super) fn error_of(error: WriteError<PortError>) -> PortError {
    match error {
        WriteError::Store(error) if is_constraint(&error) => PortError::Work(error.into()),
        error => error.into_caller(),
    }
}

fn is_constraint(error: &StoreError) -> bool {
    let cause: Option<&rusqlite::Error> = error.downcast_ref();
    let code = cause.and_then(rusqlite::Error::sqlite_error_code);
    code == Some(ErrorCode::ConstraintViolation)
}
