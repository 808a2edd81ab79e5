use crate::{error_kind::ErrorKind, position::SequencePosition};

/// Nothing.
pub(in crate::dispatch) struct Span;

#[expect(clippy::unused_self, reason = "the methods are those of the span with the feature")]
impl Span {
    pub(in crate::dispatch) const fn dispatch() -> Self {
        Self
    }

    pub(in crate::dispatch) const fn read() -> Self {
        Self
    }

    pub(in crate::dispatch) const fn append() -> Self {
        Self
    }

    pub(in crate::dispatch) const fn around<F: Future>(&self, future: F) -> F {
        future
    }

    pub(in crate::dispatch) const fn was_read(&self, _: u64, _: Option<SequencePosition>) {}

    pub(in crate::dispatch) const fn was_appended(&self, _: usize, _: Option<SequencePosition>) {}

    pub(in crate::dispatch) const fn was_dispatched(
        &self,
        _: &'static str,
        _: usize,
        _: Option<SequencePosition>,
        _: u32,
    ) {
    }

    pub(in crate::dispatch) const fn was_refused(&self, _: ErrorKind, _: u32) {}

    pub(in crate::dispatch) const fn failed(&self, _: ErrorKind) {}
}
