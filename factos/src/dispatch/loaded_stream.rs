use crate::{
    append::AppendCondition,
    decider::Decider,
    dispatch::{
        boundary::Boundary,
        error::Infrastructure,
        fold::{Folded, fold},
        log::Whole,
        options::stream_name,
    },
    position::SequencePosition,
    recorded::Recorded,
    revision::Revision,
    store::EventStore,
    stream_name::StreamName,
    text_rules::InvalidText,
};

/// A stream, as it was read: records, folded state, revision, position and condition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedStream<E, S> {
    /// Its name.
    pub stream: StreamName,
    /// The state that its records fold to.
    pub state: S,
    /// All of its records, in order, without those that only remember a command that led to no events.
    pub records: Vec<Recorded<E>>,
    /// The revision of its last record.
    pub revision: Revision,
    /// The position in the log up to which it is complete; `None` for an empty log.
    pub position: Option<SequencePosition>,
}

impl<E, S> LoadedStream<E, S> {
    /// The condition that refuses an append if an event was appended to the stream since.
    #[must_use]
    pub fn append_condition(&self) -> AppendCondition {
        AppendCondition::expected_revision(self.stream.clone(), self.revision)
    }
}

/// Reads a stream, for callers that decide and append by themselves.
///
/// A stream that does not exist has no records. Every record must decode into the decider's event.
///
/// # Errors
/// [`Infrastructure`]: the store fails, a record does not decode, or the name cannot be used.
///
/// # Cancellation
/// Safe.
pub async fn load_stream<S, D>(
    store: &S,
    decider: &D,
    stream: impl TryInto<StreamName, Error: Into<InvalidText>>,
) -> Result<LoadedStream<D::Event, D::State>, Infrastructure>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    load(store, decider, stream_name(stream)?).await
}

async fn load<S, D>(
    store: &S,
    decider: &D,
    stream: StreamName,
) -> Result<LoadedStream<D::Event, D::State>, Infrastructure>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    let mut records = Vec::new();
    let boundary = Boundary::Stream(stream.clone());
    let start = Folded::start(decider.initial());
    let read =
        fold(&mut Whole(store), decider, &boundary, start, |_| Ok(true), &mut records).await?;
    Ok(LoadedStream {
        stream,
        state: read.state,
        records,
        revision: read.revision,
        position: read.observed,
    })
}
