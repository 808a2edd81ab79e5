//! What a caller is told of a statement that failed, or of a row that makes no sense.

use std::{fmt::Display, path::Path};

use factos::StoreError;
use factos_consumer::port::PortError;
use rusqlite::Error;

use crate::connection::lock_wait::failure;

/// The error of a statement on the log at `path`.
pub(super) fn failed(path: &Path, error: Error) -> PortError {
    StoreError::from(failure(path, error)).into()
}

/// The error of a row that was read; `what` says whose it is.
pub(super) fn unread(path: &Path, what: &dyn Display, error: Error) -> PortError {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => damaged(what),
        error => failed(path, error),
    }
}

pub(super) fn damaged(what: &dyn Display) -> PortError {
    PortError::Damaged { what: what.to_string() }
}
