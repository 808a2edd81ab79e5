use crate::{
    decider::Decider,
    dispatch::{boundary::Boundary, error::Infrastructure},
    event::decode_ref,
    position::SequencePosition,
    recorded::Recorded,
    revision::Revision,
    store::EventStore,
};

/// What was read of a boundary.
pub(super) struct Folded<S> {
    pub(super) state: S,
    pub(super) observed: Option<SequencePosition>,
    /// The revision of the last record: that of the stream, if the boundary is one.
    pub(super) revision: Revision,
}

/// Reads a boundary and folds its records as they arrive. Records that `keep` selects are also pushed to
/// `kept`; records that are not part of the context are not folded.
pub(super) async fn fold<S, D>(
    store: &S,
    decider: &D,
    boundary: &Boundary,
    keep: impl Fn(&Recorded<bytes::Bytes>) -> bool,
    kept: &mut Vec<Recorded<D::Event>>,
) -> Result<Folded<D::State>, Infrastructure>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    let mut events = boundary.read(store).await?;
    let mut folded = Folded {
        state: decider.initial(),
        observed: events.observed(),
        revision: Revision::NoEvents,
    };
    while let Some(record) = events.next().await {
        let record = record?;
        folded.revision = record.revision.into();
        let (fold, keep) = (boundary.holds(&record), keep(&record));
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
