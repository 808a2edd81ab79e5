use bytes::Bytes;

use crate::{
    decider::Decider,
    dispatch::{
        boundary::Boundary, error::Infrastructure, idempotency::is_nothing, log::Log, span::Span,
    },
    event::decode_ref,
    position::SequencePosition,
    recorded::Recorded,
    revision::Revision,
};

/// What was read of a boundary.
pub(super) struct Folded<S> {
    pub(super) state: S,
    pub(super) observed: Option<SequencePosition>,
    /// The revision of the last record: that of the stream, if the boundary is one.
    pub(super) revision: Revision,
    /// How many records were read.
    records: u64,
}

impl<S> Folded<S> {
    /// Before anything was read.
    pub(super) const fn start(state: S) -> Self {
        Self::at(state, None)
    }

    /// A state that all facts up to a position fold to.
    pub(super) const fn at(state: S, observed: Option<SequencePosition>) -> Self {
        Self { state, observed, revision: Revision::NoEvents, records: 0 }
    }
}

/// Reads what a boundary holds after `start`, and folds its records as they arrive. Records that `keep` selects are also pushed to
/// `kept`; it sees them all, and may refuse one. Records that are not part of the context are not folded, and
/// those that only remember a command without events are neither folded nor kept.
pub(super) async fn fold<L, D>(
    log: &mut L,
    decider: &D,
    boundary: &Boundary,
    start: Folded<D::State>,
    keep: impl FnMut(&Recorded<Bytes>) -> Result<bool, Infrastructure>,
    kept: &mut Vec<Recorded<D::Event>>,
) -> Result<Folded<D::State>, Infrastructure>
where
    L: Log,
    D: Decider + ?Sized,
{
    let span = Span::read();
    let folded = span.around(read_and_fold(log, decider, boundary, start, keep, kept)).await;
    match &folded {
        Ok(folded) => span.was_read(folded.records, folded.observed),
        Err(error) => span.failed(error.kind()),
    }
    folded
}

async fn read_and_fold<L, D>(
    log: &mut L,
    decider: &D,
    boundary: &Boundary,
    start: Folded<D::State>,
    mut keep: impl FnMut(&Recorded<Bytes>) -> Result<bool, Infrastructure>,
    kept: &mut Vec<Recorded<D::Event>>,
) -> Result<Folded<D::State>, Infrastructure>
where
    L: Log,
    D: Decider + ?Sized,
{
    let mut events = log.read(boundary, start.observed).await?;
    // What was observed once stays observed: nothing appears at or below it.
    let observed = events.observed().max(start.observed);
    let mut folded = Folded { observed, records: 0, ..start };
    while let Some(record) = events.next().await {
        let record = record?;
        folded.records += 1;
        folded.revision = record.revision.into();
        let (fold, keep) = (boundary.holds(&record), keep(&record)?);
        if is_nothing(&record) {
            continue;
        }
        let event = decode_ref(&record)?;
        if fold {
            folded.state = decider.evolve(folded.state, &event);
        }
        if keep {
            kept.push(record.with_event(event));
        }
    }
    Ok(folded)
}
