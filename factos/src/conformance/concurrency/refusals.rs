use std::sync::Arc;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, Conflict},
    conformance::{
        fixture::Fixture,
        pages::{ids, lines, positions, revisions},
        parallel::{at_once, handles},
        sample_values::{event, expecting, in_stream, query, unless},
        store_calls::{append_if, matching, of_stream, whole_log},
    },
    event_id::EventId,
    read_options::ReadOptions,
    revision::Revision,
    store::EventStore,
};

const ROUNDS: u64 = 20;
const CONTENDERS: usize = 24;

/// How many boundaries are contended for in each round: one of a query, one of a revision, one of an id.
const BOUNDARIES: usize = 3;

/// What made the store refuse an append can be read through another handle once the refusal is told,
/// while many contend for each boundary: the event at the position of the conflict, the events up to the
/// actual revision, the event that has the id.
pub async fn a_refusals_cause_is_visible<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    for round in 0..ROUNDS {
        let contenders = (0..CONTENDERS).map(|n| {
            let (event, condition) = contended(n % BOUNDARIES, round);
            let (store, other) = (handles[n % 4].clone(), handles[(n + 1) % 4].clone());
            async move {
                let outcome = append_if(&store, event, condition).await;
                let refusal = outcome.err()?;
                assert_visible(&refusal, &other).await;
                Some(refusal)
            }
        });
        let refusals = at_once(contenders).await.into_iter().flatten().count();
        assert_eq!(
            refusals,
            CONTENDERS - BOUNDARIES,
            "of many that contend for a boundary exactly one is accepted: refusals of round {round}"
        );
    }
}

/// An event and a condition, of which one is accepted in a round, by whichever contender.
fn contended(boundary: usize, round: u64) -> (NewEvent, AppendCondition) {
    match boundary {
        0 => {
            let seat = format!("seat:{round}");
            (event("SeatTaken", &[&seat]), unless(&query(&["SeatTaken"], &[&seat])))
        }
        1 => (in_stream("s", "A"), expecting("s", Revision::from(round.checked_sub(1)))),
        _ => {
            let id = EventId::from_bytes((u128::from(round) + 1).to_be_bytes());
            (NewEvent { id, ..event("SentAgain", &[]) }, AppendCondition::None)
        }
    }
}

/// Asserts that this handle shows the cause of a refusal that was told to another.
async fn assert_visible(refusal: &AppendError, store: &Arc<dyn EventStore>) {
    let (visible, page) = match refusal {
        AppendError::Conflict(Conflict::EventsMatch { query, position, .. }) => {
            let page = matching(store, query).await;
            (positions(&page).contains(position), page)
        }
        AppendError::Conflict(Conflict::Revision { stream, actual, .. }) => {
            let page = of_stream(store, stream.as_str(), ReadOptions::all()).await;
            (revisions(&page).into_iter().any(|is| Revision::from(is) == *actual), page)
        }
        AppendError::DuplicateEventId(id) => {
            let page = whole_log(store).await;
            (ids(&page).contains(id), page)
        }
        other => {
            panic!("an append is refused with a conflict or as a duplicate, and came to {other:?}")
        }
    };
    assert!(
        visible,
        "what made the store refuse an append can be read once that is told: {refusal:?}, and another \
         handle shows{}",
        lines(&page)
    );
}
