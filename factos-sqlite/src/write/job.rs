use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use factos::StoreError;
use tokio::sync::oneshot;

use crate::{
    append::{group::Failure, hook::Hook, lent::Lent, line::WriteJob},
    error::Error,
    write::{transaction::WriteTransaction, write_error::WriteError},
};

/// What the closure came to, or its panic.
type Outcome<T, E> = Result<Result<T, WriteError<E>>, Box<dyn Any + Send>>;

/// A closure that is to run in a transaction of its own.
pub(crate) struct ClosureJob<F, T, E> {
    closure: Option<F>,
    hook: Option<Hook>,
    outcome: Option<Outcome<T, E>>,
    reply: oneshot::Sender<Outcome<T, E>>,
}

/// The receiver on which the caller waits.
#[derive(Debug)]
pub(crate) struct Reply<T, E>(oneshot::Receiver<Outcome<T, E>>);

impl<F, T, E> ClosureJob<F, T, E>
where
    F: FnOnce(&mut WriteTransaction) -> Result<T, E>,
{
    pub(crate) fn new(closure: F, hook: Option<Hook>) -> (Self, Reply<T, E>) {
        let (reply, answer) = oneshot::channel();
        (Self { closure: Some(closure), hook, outcome: None, reply }, Reply(answer))
    }

    fn outcome(&mut self, transaction: &mut WriteTransaction) -> Outcome<T, E> {
        let closure = self.closure.take();
        let run = || closure.map(|closure| closure(transaction));
        Ok(match catch_unwind(AssertUnwindSafe(run))? {
            None => Err(store_error(Error::WriterGone)),
            Some(Err(error)) => Err(WriteError::Caller(error)),
            Some(Ok(value)) => transaction.check_open().map(|()| value).map_err(store_error),
        })
    }
}

fn store_error<E>(error: Error) -> WriteError<E> {
    WriteError::Store(error.into())
}

impl<F, T, E> WriteJob for ClosureJob<F, T, E>
where
    F: FnOnce(&mut WriteTransaction) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, lent: Lent) -> (Lent, bool) {
        let guard = lent.guard.clone();
        let mut transaction = WriteTransaction::new(lent, self.hook.clone());
        let outcome = guard.raised(|| self.outcome(&mut transaction));
        let commits = matches!(outcome, Ok(Ok(_)));
        self.outcome = Some(outcome);
        (transaction.into_lent(), commits)
    }

    fn finish(self: Box<Self>, outcome: Result<(), Failure>) {
        let told = match (outcome, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Ok(Err(store_error(Error::WriterGone))),
            (Err(failure), _) => Ok(Err(WriteError::Store(failure.into()))),
        };
        drop(self.reply.send(told));
    }
}

impl<T, E> Reply<T, E> {
    pub(crate) async fn outcome(self) -> Result<T, WriteError<E>> {
        match self.0.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(WriteError::Store(StoreError::from(Error::WriterGone))),
        }
    }
}
