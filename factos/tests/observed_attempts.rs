//! What an observer of a dispatch is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::sync::Mutex;

use factos::{
    AttemptOutcome, DispatchAttempt, ErrorKind, Retry, StoreErrorKind, dispatch, dispatch_stream,
};
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 1 };

#[derive(Default)]
struct Told(Mutex<Vec<DispatchAttempt>>);

impl Told {
    fn note(&self, attempt: &DispatchAttempt) {
        self.0.lock().unwrap().push(*attempt);
    }

    fn take(&self) -> Vec<(u32, AttemptOutcome, bool)> {
        let told = std::mem::take(&mut *self.0.lock().unwrap());
        told.iter().map(|told| (told.number, told.outcome, told.is_retried)).collect()
    }
}

#[tokio::test]
async fn every_attempt_is_told_with_its_outcome() {
    let (store, told) = (Scripted::new([Fault::Busy]), Told::default());
    store.fail_reads([StoreErrorKind::Unavailable]);
    let run =
        || dispatch(&store, &OFFICE).idempotency_key("k").observe(|attempt| told.note(attempt));
    run().run(&buy("a", "x")).await.unwrap();
    let refused = AttemptOutcome::Refused;
    let appended = AttemptOutcome::Appended { events: 1, position: position(1) };
    assert_eq!(
        told.take(),
        [
            (1, refused(ErrorKind::Unavailable), true),
            (2, refused(ErrorKind::Busy), true),
            (3, appended, false)
        ]
    );
    run().run(&buy("a", "x")).await.unwrap();
    assert_eq!(told.take(), [(1, AttemptOutcome::Replayed, false)]);
}

#[tokio::test]
async fn refusals_are_told_as_well() {
    let (store, told) = (Scripted::new([Fault::Busy, Fault::Busy]), Told::default());
    let office = BoxOffice { seats: 0 };
    let run = dispatch(&store, &office).observe(|attempt| told.note(attempt));
    assert!(run.run(&buy("a", "x")).await.is_err());
    assert_eq!(told.take(), [(1, AttemptOutcome::Refused(ErrorKind::Domain), false)]);
    let run = dispatch_stream(&store, &OFFICE, "s").observe(|attempt| told.note(attempt));
    let error = run.retry(Retry::attempts(2)).run(&buy("a", "x")).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Busy, Some(2)));
    let busy = AttemptOutcome::Refused(ErrorKind::Busy);
    assert_eq!(told.take(), [(1, busy, true), (2, busy, false)]);
}
