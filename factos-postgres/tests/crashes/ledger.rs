use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use factos::{
    AppendCondition, AppendError, Bytes, EventStore, EventType, NewEvent, Page, Recorded,
    SequencePosition,
};
use factos_postgres::PostgresStore;

pub(crate) const COUNTED: EventType = EventType::from_static("Counted");

/// The outcome of every batch that was sent.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) acknowledged: Vec<Page>,
    /// The store did not know the outcome.
    pub(crate) unknown: Vec<Vec<NewEvent>>,
    /// The store said that nothing was written, for the server was away.
    pub(crate) not_written: Vec<Vec<NewEvent>>,
    /// The condition did not hold.
    pub(crate) refused: Vec<Vec<NewEvent>>,
    pub(crate) failed_reads: usize,
}

impl Ledger {
    pub(crate) fn merge(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.unknown.extend(other.unknown);
        self.not_written.extend(other.not_written);
        self.refused.extend(other.refused);
        self.failed_reads += other.failed_reads;
    }

    pub(crate) fn failures(&self) -> usize {
        self.unknown.len() + self.not_written.len() + self.failed_reads
    }

    /// Asserts that the log has every acknowledged batch, none that was told as not written, and no
    /// half batch.
    pub(crate) fn verify(&self, log: &[Recorded<Bytes>]) {
        assert!(log.is_sorted_by(|a, b| a.position < b.position), "positions of {log:?}");
        let stored: HashMap<_, _> = log.iter().map(|record| (record.id, record)).collect();
        assert_eq!(stored.len(), log.len(), "an event is there twice");
        for record in self.acknowledged.iter().flatten() {
            assert_eq!(stored.get(&record.id), Some(&record), "an acknowledged event");
        }
        for batch in self.not_written.iter().chain(&self.refused) {
            let found = batch.iter().find(|event| stored.contains_key(&event.id));
            assert!(found.is_none(), "told as not written, but there: {found:?}");
        }
        let mut known: HashSet<_> = self.acknowledged.iter().flatten().map(|r| r.id).collect();
        for batch in &self.unknown {
            let places: Vec<_> =
                batch.iter().map(|event| stored.get(&event.id).map(|r| r.position)).collect();
            let whole = places.iter().all(|place| place.is_some() == places[0].is_some());
            assert!(whole, "half a batch is there: at {places:?}");
            known.extend(batch.iter().map(|event| event.id));
        }
        let strange = log.iter().find(|record| !known.contains(&record.id));
        assert!(strange.is_none(), "nobody sent {strange:?}");
        verify_streams(log);
        verify_counters(log);
    }

    /// Asserts that an id is refused if, and only if, its event is in the log.
    pub(crate) async fn settle(&self, store: &PostgresStore) {
        let sample = self.acknowledged.iter().step_by(self.acknowledged.len() / 50 + 1);
        let taken = sample.map(|page| page[0].id);
        for id in taken.chain(self.unknown.iter().map(|batch| batch[0].id)) {
            let again = NewEvent { id, ..NewEvent::new(COUNTED, "again") };
            let outcome = store.append(vec![again], AppendCondition::None).await;
            let is_known = self.acknowledged.iter().any(|page| page[0].id == id);
            match outcome {
                Err(AppendError::DuplicateEventId(told)) => assert_eq!(told, id),
                Ok(_) => assert!(!is_known, "{id} was acknowledged, and is accepted again"),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// Asserts that revisions go on over each crash, without a gap.
fn verify_streams(log: &[Recorded<Bytes>]) {
    let mut revisions: HashMap<_, u64> = HashMap::new();
    for record in log {
        let Some(stream) = &record.stream else { continue };
        let next = revisions.entry(stream).or_default();
        assert_eq!(record.revision, Some(*next), "of {record:?}");
        *next += 1;
    }
    assert!(!revisions.is_empty());
}

/// Asserts that each count was decided from every count before it.
fn verify_counters(log: &[Recorded<Bytes>]) {
    let mut counted: HashMap<_, Vec<SequencePosition>> = HashMap::new();
    for record in log.iter().filter(|record| record.event_type == COUNTED) {
        let earlier = counted.entry(record.tags.as_lines()).or_default();
        let told = String::from_utf8_lossy(&record.event);
        let (from, count) = told.split_once(' ').unwrap();
        let from = SequencePosition::new(from.parse().unwrap());
        let late: Vec<_> = earlier.iter().filter(|position| Some(**position) > from).collect();
        let (counter, at) = (record.tags.as_lines(), record.position);
        assert!(late.is_empty(), "{counter} at {at}, decided from {from:?}, lost {late:?}");
        assert_eq!(count.parse(), Ok(earlier.len()), "{counter} at {at}, after {earlier:?}");
        earlier.push(at);
    }
    assert!(!counted.is_empty());
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} acknowledged, {} unknown, {} not written, {} reads failed",
            self.acknowledged.len(),
            self.unknown.len(),
            self.not_written.len(),
            self.failed_reads
        )
    }
}
