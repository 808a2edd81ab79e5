//! Writers that run commands, each under an idempotency key until there is an answer.

use std::convert::Infallible;

use factos::{Dispatched, Dispatcher, Error, ErrorKind, EventId, dispatch};
use factos_postgres::PostgresStore;

use crate::{
    boundaries::{Office, Sales},
    ledger::{Advice, Ledger, Told, WentBack},
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
        let (mut ledger, life) = (Ledger::default(), EventId::new());
        for turn in 0_usize.. {
            if pulse.is_over() {
                break;
            }
            let show = pulse.round() * SHOWS + fastrand::u32(..SHOWS);
            let key = format!("{life}-{turn}");
            let answered = self.until_answered(show, &key, &mut ledger.told).await;
            pulse.note_unknown(number, ledger.told.unknown);
            let Ok(done) = answered else {
                pulse.went_back();
                break;
            };
            ledger.told.conflicts += usize::from(done.attempts > 1);
            ledger.told.replayed += usize::from(done.replayed);
            ledger.acknowledge(&done.records);
            pulse.beat(number);
            pause(fastrand::u64(30..150)).await;
        }
        ledger
    }

    async fn until_answered(
        &self,
        show: u32,
        key: &str,
        told: &mut Told,
    ) -> Result<Dispatched<Sales, ()>, WentBack> {
        loop {
            match self.run(show, key).await {
                Ok(done) => return Ok(done),
                Err(error) => note(&error, told)?,
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

/// Unless the log went back there is one advice: run the command again, with the same key.
fn note(error: &Error<Infallible>, told: &mut Told) -> Result<(), WentBack> {
    let advice = match error {
        Error::Conflict(_) => {
            told.conflicts += 1;
            return Ok(());
        }
        Error::Store(failed) => told.note(&failed.error),
        Error::OutcomeUnknown(unknown) => {
            assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
            let advice = told.note(&unknown.source);
            // The last inquiry may have met another error.
            told.unknown += usize::from(advice != Advice::Append);
            advice
        }
        _ => panic!("no error of a failover: {error:?}"),
    };
    if advice == Advice::Open { Err(WentBack) } else { Ok(()) }
}
