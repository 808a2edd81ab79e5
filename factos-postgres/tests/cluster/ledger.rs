//! What the writers were told.

use std::{collections::BTreeMap, fmt};

use factos::{EventId, Recorded, SequencePosition, StoreError, StoreErrorKind};
use factos_postgres::Error;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) acknowledged: Vec<(EventId, SequencePosition)>,
    /// The outcome was unknown, and the ids were found in the log.
    pub(crate) found: Vec<EventId>,
    /// Told as not written, and given up.
    pub(crate) not_written: Vec<EventId>,
    pub(crate) told: Told,
}

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
    pub(crate) errors: BTreeMap<String, usize>,
}

impl Ledger {
    pub(crate) fn acknowledge<E>(&mut self, records: &[Recorded<E>]) {
        self.acknowledged.extend(records.iter().map(|record| (record.id, record.position)));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.found.extend(other.found);
        self.not_written.extend(other.not_written);
        self.told.merge(other.told);
    }
}

impl Told {
    /// Notes an error of the store, which must be of a kind that docs/operations.md tells what to do about.
    pub(crate) fn note(&mut self, error: &StoreError) -> StoreErrorKind {
        let kind = error.kind();
        assert!(
            matches!(
                kind,
                StoreErrorKind::Busy | StoreErrorKind::Unavailable | StoreErrorKind::OutcomeUnknown
            ),
            "no error of a failover: {error:?}"
        );
        self.unknown += usize::from(kind == StoreErrorKind::OutcomeUnknown);
        let cause = format!("{:?}", error.downcast_ref::<Error>().unwrap());
        let name = cause.split([' ', '(', '{']).next().unwrap();
        *self.errors.entry(format!("{kind:?}/{name}")).or_default() += 1;
        kind
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.conflicts += other.conflicts;
        self.unknown += other.unknown;
        self.unknown_found += other.unknown_found;
        self.unknown_not_found += other.unknown_not_found;
        self.replayed += other.replayed;
        for (name, count) in other.errors {
            *self.errors.entry(name).or_default() += count;
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conflicts, unknown, unknown_found, unknown_not_found, replayed, errors } = self;
        write!(
            f,
            "{conflicts} conflicts; {unknown} unknown outcomes; appended again, {unknown_found} were there and \
             {unknown_not_found} were not; {replayed} replayed; errors {errors:?}"
        )
    }
}
