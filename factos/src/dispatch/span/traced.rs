use std::time::Instant;

use tracing::{Instrument, field::Empty};

use crate::{error_kind::ErrorKind, position::SequencePosition};

/// A span, and when it began.
pub(in crate::dispatch) struct Span {
    span: tracing::Span,
    began: Instant,
}

macro_rules! span {
    ($name:literal) => {
        tracing::debug_span!(
            target: "factos",
            $name,
            outcome = Empty,
            attempts = Empty,
            events = Empty,
            position = Empty,
            duration_us = Empty,
        )
    };
}

impl Span {
    fn of(span: tracing::Span) -> Self {
        Self { span, began: Instant::now() }
    }

    pub(in crate::dispatch) fn dispatch() -> Self {
        Self::of(span!("dispatch"))
    }

    pub(in crate::dispatch) fn read() -> Self {
        Self::of(span!("read"))
    }

    pub(in crate::dispatch) fn append() -> Self {
        Self::of(span!("append"))
    }

    pub(in crate::dispatch) fn around<F: Future>(
        &self,
        future: F,
    ) -> impl Future<Output = F::Output> {
        future.instrument(self.span.clone())
    }

    pub(in crate::dispatch) fn was_read(&self, events: u64, observed: Option<SequencePosition>) {
        self.end("read", events, observed);
    }

    pub(in crate::dispatch) fn was_appended(&self, events: usize, last: Option<SequencePosition>) {
        self.end("appended", events as u64, last);
    }

    pub(in crate::dispatch) fn was_dispatched(
        &self,
        outcome: &'static str,
        events: usize,
        position: Option<SequencePosition>,
        attempts: u32,
    ) {
        self.span.record("attempts", attempts);
        self.end(outcome, events as u64, position);
    }

    pub(in crate::dispatch) fn was_refused(&self, kind: ErrorKind, attempts: u32) {
        self.span.record("attempts", attempts);
        self.failed(kind);
    }

    pub(in crate::dispatch) fn failed(&self, kind: ErrorKind) {
        self.span.record("outcome", kind.as_str());
        self.time();
    }

    fn end(&self, outcome: &'static str, events: u64, position: Option<SequencePosition>) {
        self.span.record("outcome", outcome);
        self.span.record("events", events);
        if let Some(position) = position {
            self.span.record("position", position.get());
        }
        self.time();
    }

    fn time(&self) {
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.span.record("duration_us", micros);
    }
}
