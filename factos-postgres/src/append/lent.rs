//! Appends within a transaction of the caller's.

use factos::{AppendError, backend::Verdict};
use sqlx::PgConnection;

use super::{
    batch::Batch,
    guard::{self, Guard},
    hook::{Failing, Hook, HookError},
    statement::{self, Answer, Locks},
};
use crate::{connection::answered, error::Error, log::Log, sql::Statement};

/// Appends within the open transaction.
pub(super) async fn append(log: &Log, transaction: &mut PgConnection, batch: &Batch) -> Verdict {
    let answer = send(log, transaction, &log.statements.append, batch).await?;
    verdict(&answer, batch)
}

/// The same, and runs the hook, whose error undoes the append alone.
pub(super) async fn append_with_hook(
    log: &Log,
    transaction: &mut PgConnection,
    batch: &Batch,
    hook: &Hook,
) -> Verdict {
    let guard = Guard::new();
    let failed = |error| AppendError::from(log.error(error));
    let opened = answered(batch.deadline.answer(), guard.open_savepoint(transaction)).await;
    opened.flatten().map_err(failed)?;
    let answer = send(log, transaction, &log.statements.append_before_hook, batch).await?;
    let verdict = verdict(&answer, batch);
    let Ok(records) = &verdict else {
        guard.release(transaction).await.map_err(failed)?;
        return verdict;
    };
    let error = match hook.run(transaction, &[records], &mut 0).await {
        Ok(()) => match guard.release(transaction).await {
            Ok(()) => return verdict,
            Err(error) => error_of_release(log, error)?,
        },
        Err(error) => error,
    };
    match guard.roll_back(transaction).await {
        Ok(()) => Err(AppendError::Hook(error)),
        Err(_) => Err(without_savepoint(transaction, &answer, error).await),
    }
}

/// What a hook did that says nothing of it.
fn error_of_release(log: &Log, error: sqlx::Error) -> Result<HookError, AppendError> {
    match Failing::of(&error) {
        Some(failing) => Ok(failing.into()),
        None => Err(log.error(error).into()),
    }
}

/// The hook has ended the transaction, or lost its connection.
async fn without_savepoint(
    connection: &mut PgConnection,
    answer: &Answer,
    error: HookError,
) -> AppendError {
    let Some(place) = &answer.place else { return AppendError::Hook(error) };
    match guard::status(connection, place.transaction).await {
        Ok(status) if status.as_deref() != Some("aborted") => Error::EndedByHook { status }.into(),
        _ => AppendError::Hook(error),
    }
}

async fn send(
    log: &Log,
    transaction: &mut PgConnection,
    append: &Statement,
    batch: &Batch,
) -> Result<Answer, AppendError> {
    let locks = Locks {
        names: batch.names.as_ref(),
        is_patient: true,
        timeout: batch.deadline.locks(),
        durability: None,
        later_statements: None,
    };
    log.incarnation.check()?;
    let run = log.incarnation.verified();
    let batches = [batch];
    let answer = statement::run(transaction, append, &batches, locks, run);
    match answered(batch.deadline.answer(), answer).await.flatten() {
        Ok(answer) => Ok(answer),
        Err(error) => {
            let error = log.failed_in_transaction(log.error(error), batch.deadline).await;
            Err(error.into())
        }
    }
}

fn verdict(answer: &Answer, batch: &Batch) -> Verdict {
    let mut verdicts = answer.verdicts(&[batch]);
    verdicts.pop().unwrap_or_else(|| Err(Error::no_verdict("no verdict").into()))
}
