//! What the writers were told.

use std::{collections::BTreeMap, fmt, time::Instant};

use factos::{EventId, Recorded, SequencePosition, StoreError, StoreErrorKind};
use factos_postgres::Error;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// The outcome was unknown, and the ids were found in the log.
    pub(crate) found: Vec<EventId>,
    /// Told as not written, and given up.
    pub(crate) not_written: Vec<EventId>,
    /// The outcome is unknown to the end, as the log went back meanwhile.
    pub(crate) unsettled: Vec<EventId>,
    pub(crate) told: Told,
}

#[derive(Debug)]
pub(crate) struct Acknowledged {
    pub(crate) id: EventId,
    pub(crate) position: SequencePosition,
    pub(crate) at: Instant,
}

/// What docs/operations.md says to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// The same again, later.
    Try,
    /// The same events, with the same ids.
    Append,
    /// The log, once everything that remembers it was compared with it.
    Open,
}

/// The log lacks events that a handle was told of, and is to be opened again.
#[derive(Debug)]
pub(crate) struct WentBack;

/// How often what was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) conflicts: usize,
    pub(crate) unknown: usize,
    /// Unknown outcomes that were found to be written by appending again, and those that were not.
    pub(crate) unknown_found: usize,
    pub(crate) unknown_not_found: usize,
    /// Commands that were answered by what an earlier attempt under the same key had appended.
    pub(crate) replayed: usize,
    pub(crate) went_back: usize,
    pub(crate) errors: BTreeMap<String, usize>,
}

impl Ledger {
    pub(crate) fn acknowledge<E>(&mut self, records: &[Recorded<E>]) {
        let acknowledged = |record: &Recorded<E>| {
            let (id, position) = (record.id, record.position);
            Acknowledged { id, position, at: Instant::now() }
        };
        self.acknowledged.extend(records.iter().map(acknowledged));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.found.extend(other.found);
        self.not_written.extend(other.not_written);
        self.unsettled.extend(other.unsettled);
        self.told.merge(other.told);
    }
}

impl Told {
    /// Notes an error of the store, which must be one that docs/operations.md tells what to do about.
    pub(crate) fn note(&mut self, error: &StoreError) -> Advice {
        let cause = error.downcast_ref::<Error>().unwrap();
        let advice = match (error.kind(), cause) {
            (_, Error::WentBack { .. }) => Advice::Open,
            (StoreErrorKind::Busy | StoreErrorKind::Unavailable, _) => Advice::Try,
            (StoreErrorKind::OutcomeUnknown, _) => Advice::Append,
            _ => panic!("no error of a failover: {error:?}"),
        };
        self.unknown += usize::from(advice == Advice::Append);
        self.went_back += usize::from(advice == Advice::Open);
        let told = format!("{cause:?}");
        let name = told.split([' ', '(', '{']).next().unwrap();
        self.count(format!("{:?}/{name}", error.kind()));
        advice
    }

    pub(crate) fn count(&mut self, error: String) {
        *self.errors.entry(error).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.conflicts += other.conflicts;
        self.unknown += other.unknown;
        self.unknown_found += other.unknown_found;
        self.unknown_not_found += other.unknown_not_found;
        self.replayed += other.replayed;
        self.went_back += other.went_back;
        for (name, count) in other.errors {
            *self.errors.entry(name).or_default() += count;
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conflicts, unknown, unknown_found, unknown_not_found, .. } = self;
        let Self { replayed, went_back, errors, .. } = self;
        write!(
            f,
            "{conflicts} conflicts; {unknown} unknown outcomes; appended again, {unknown_found} were there and \
             {unknown_not_found} were not; {replayed} replayed; {went_back} times told that the log went back; \
             errors {errors:?}"
        )
    }
}
