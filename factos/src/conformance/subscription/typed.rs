use super::{
    follower::{Follower, Subscriber, Word},
    seen::next,
};
use crate::{
    append::NewEvent,
    conformance::{fixture::Fixture, sample_values::event, store_calls::append},
    position::SequencePosition,
    store::EventStore,
    subscription::SubscribeError,
    typed_events::Unknown,
};

/// How many events there are before the one that does not decode, and behind it.
const BEFORE: usize = 11;
const BEHIND: usize = 9;

pub(super) async fn not_passed<F: Fixture, S: Subscriber>(log: F) {
    let store = log.connect().await;
    let mut malformed = event("A", &[]);
    malformed.payload = "{".into();
    let positions = with_one_in_between(&store, malformed).await;
    for page in [1, 4, BEFORE, 1000] {
        let mut follower = S::follow_words(&store, None, page, Unknown::Skip);
        let mut through = None;
        let mut came = Vec::new();
        let error = loop {
            match next::<F, _>(&mut *follower).await {
                Ok(batch) => {
                    assert!(!batch.is_live, "live before it has passed what does not decode");
                    came.extend(batch.records.iter().map(|record| record.position));
                    through = batch.through;
                }
                Err(error) => break error,
            }
            assert!(came.len() <= BEFORE, "it has passed an event that does not decode");
        };
        assert_eq!(came, positions[..BEFORE], "events before one that does not decode");
        assert!(through < Some(positions[BEFORE]), "a position at or past that event");
        assert_names(&error, positions[BEFORE]);
        let again = next::<F, _>(&mut *follower).await;
        assert_names(&again.expect_err("it has passed the event"), positions[BEFORE]);
        let behind = Some(positions[BEFORE]);
        let mut behind = S::follow_words(&store, behind, page, Unknown::Fail);
        let rest = all::<F>(&mut *behind, *positions.last().unwrap()).await;
        assert_eq!(rest, (positions[BEFORE + 1..].to_vec(), 0), "the events behind it");
    }
}

pub(super) async fn unknown_types<F: Fixture, S: Subscriber>(log: F) {
    let store = log.connect().await;
    let mut positions = with_one_in_between(&store, event("Other", &[])).await;
    let last = *positions.last().unwrap();
    let unknown = positions.remove(BEFORE);
    for page in [1, 4, 1000] {
        let mut follower = S::follow_words(&store, None, page, Unknown::Skip);
        let came = all::<F>(&mut *follower, last).await;
        assert_eq!(came, (positions.clone(), 1), "without the unknown one, which is counted");
        let from = Some(positions[BEFORE - 1]);
        let mut follower = S::follow_words(&store, from, page, Unknown::Fail);
        let error = next::<F, _>(&mut *follower).await.expect_err("it has passed an unknown type");
        assert_names(&error, unknown);
    }
}

/// Appends words with another event in between; their positions.
async fn with_one_in_between(store: &dyn EventStore, other: NewEvent) -> Vec<SequencePosition> {
    let before = (0..BEFORE).map(|_| event("A", &[]));
    let behind = (0..BEHIND).map(|_| event("A", &[]));
    let page = append(store, before.chain([other]).chain(behind).collect()).await;
    page.iter().map(|record| record.position).collect()
}

/// All positions until this one was told, and how many events were skipped.
async fn all<F: Fixture>(
    follower: &mut dyn Follower<Word>,
    last: SequencePosition,
) -> (Vec<SequencePosition>, u64) {
    let (mut came, mut skipped) = (Vec::new(), 0);
    loop {
        let batch = next::<F, _>(follower).await.unwrap();
        came.extend(batch.records.iter().map(|record| record.position));
        skipped += batch.skipped;
        if batch.through >= Some(last) {
            return (came, skipped);
        }
    }
}

fn assert_names(error: &SubscribeError, position: SequencePosition) {
    match error {
        SubscribeError::Decode(error) => {
            assert_eq!(error.position, position, "the event that does not decode");
        }
        other => panic!("the event at {position} does not decode, told as {other:?}"),
    }
}
