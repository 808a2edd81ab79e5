use std::time::Duration;

use bytes::Bytes;

use crate::{
    append::NewEvent,
    dispatch::{
        boundary::Boundary,
        dispatch_attempt::{AttemptOutcome, DispatchAttempt},
        dispatched::Dispatched,
        error::{Error, Infrastructure, KeyReused},
        options::Options,
        span::Span,
    },
    event::Event,
    metadata::Metadata,
    recorded::Recorded,
};

/// Everything about one command, besides the command, that stays the same from attempt to attempt.
pub(super) struct Request<'a> {
    pub(super) boundary: Boundary,
    pub(super) options: Options<'a>,
    pub(super) envelope: Metadata,
}

impl Request<'_> {
    /// What is appended for the decided events: these, or what remembers that there are none, if that is to be.
    pub(super) fn batch<E: Event>(&self, events: &[E]) -> Result<Vec<NewEvent>, Infrastructure> {
        if events.is_empty() {
            let key = self.options.key.as_ref().filter(|_| self.options.remember_no_op);
            let stream = self.boundary.stream();
            return Ok(key.map(|key| key.nothing(&self.envelope, stream)).into_iter().collect());
        }
        let batch = self.options.batch(events, &self.envelope)?;
        if !self.options.outside_boundary {
            self.boundary.admit(&batch)?;
        }
        Ok(batch)
    }

    /// Whether a record carries the idempotency key.
    ///
    /// # Errors
    /// It does, and another request has left it.
    pub(super) fn check_key<E: Event>(&self, record: &Recorded<Bytes>) -> Result<bool, KeyReused> {
        let Some(key) = self.options.key.as_ref().filter(|key| key.is_on(record)) else {
            return Ok(false);
        };
        key.check::<E, _>(record, self.options.fingerprint.as_deref())?;
        Ok(true)
    }

    /// Tells the observer of an attempt. Returns its outcome unless the command is tried again, which `admits`
    /// says after so many attempts.
    pub(super) fn end<E, S, D>(
        &self,
        outcome: Result<Dispatched<E, S>, Error<D>>,
        number: u32,
        duration: Duration,
        admits: impl Fn(u32) -> bool,
    ) -> Option<Result<Dispatched<E, S>, Error<D>>> {
        let (told, is_retried) = match &outcome {
            Ok(done) => (told(done), false),
            Err(error) => {
                let is_retried = error.is_retryable() && admits(number);
                (AttemptOutcome::Refused(error.kind()), is_retried)
            }
        };
        let attempt = DispatchAttempt { number, outcome: told, is_retried, duration };
        self.options.observer.tell(&attempt);
        let outcome = outcome.map(|done| Dispatched { attempts: number, ..done });
        (!is_retried).then(|| outcome.map_err(|error| error.after(number)))
    }
}

fn told<E, S>(done: &Dispatched<E, S>) -> AttemptOutcome {
    match done.records.last() {
        _ if done.replayed => AttemptOutcome::Replayed,
        Some(last) => {
            AttemptOutcome::Appended { events: done.records.len(), position: last.position }
        }
        None => AttemptOutcome::Nothing,
    }
}

/// Ends the span of a dispatch.
pub(super) fn trace<E, S, D>(
    span: &Span,
    outcome: &Result<Dispatched<E, S>, Error<D>>,
    attempts: u32,
) {
    match outcome {
        Ok(done) => {
            let (told, events) = (told(done), done.records.len());
            span.was_dispatched(told.as_str(), events, done.position, attempts);
        }
        Err(error) => span.was_refused(error.kind(), attempts),
    }
}
