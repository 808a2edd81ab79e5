//! Writers that run commands, each under an idempotency key until there is an answer.

use std::convert::Infallible;

use factos::{Dispatched, Dispatcher, Error, ErrorKind, dispatch};
use factos_postgres::PostgresStore;

use crate::{
    boundaries::{Office, Sales},
    ledger::{Ledger, Told},
    patience::pause,
    pulse::Pulse,
};

/// What runs the commands.
pub(crate) enum Runner {
    Dispatch(PostgresStore),
    Dispatcher(Dispatcher<PostgresStore, Office>),
}

const SHOWS: u32 = 3;

impl Runner {
    pub(crate) async fn work(self, number: usize, pulse: &Pulse) -> Ledger {
        let mut ledger = Ledger::default();
        for turn in 0_usize.. {
            if pulse.is_over() {
                break;
            }
            let show = pulse.round() * SHOWS + fastrand::u32(..SHOWS);
            let key = format!("{number}-{turn}");
            let done = self.until_answered(show, &key, &mut ledger.told).await;
            ledger.told.conflicts += usize::from(done.attempts > 1);
            ledger.told.replayed += usize::from(done.replayed);
            ledger.acknowledge(&done.records);
            pulse.beat(number);
            pause(fastrand::u64(30..150)).await;
        }
        ledger
    }

    async fn until_answered(&self, show: u32, key: &str, told: &mut Told) -> Dispatched<Sales, ()> {
        loop {
            match self.run(show, key).await {
                Ok(done) => return done,
                Err(error) => note(&error, told),
            }
            pause(fastrand::u64(100..300)).await;
        }
    }

    async fn run(&self, show: u32, key: &str) -> Result<Dispatched<Sales, ()>, Error<Infallible>> {
        match self {
            Self::Dispatch(store) => {
                let done = dispatch(store, &Office).idempotency_key(key).run(&show).await?;
                Ok(done.without_state())
            }
            Self::Dispatcher(dispatcher) => {
                dispatcher.dispatch().idempotency_key(key).run(show).await
            }
        }
    }
}

/// All of these have one advice: run the command again, with the same key.
fn note(error: &Error<Infallible>, told: &mut Told) {
    match error {
        Error::Conflict(_) => told.conflicts += 1,
        Error::Store(failed) => drop(told.note(&failed.error)),
        Error::OutcomeUnknown(unknown) => drop(told.note(&unknown.source)),
        _ => panic!("no error of a failover: {error:?}"),
    }
    let has_advice = error.is_retryable() || error.kind() == ErrorKind::OutcomeUnknown;
    assert!(has_advice, "{error:?}");
}
