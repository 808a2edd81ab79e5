use std::time::SystemTime;

use factos::{
    AppendCondition, AppendError, Conflict, NewEvent, SequencePosition, StoreError,
    backend::{Verdict, record},
};
use sqlx::{Row, postgres::PgRow};

use super::batch::Batch;
use crate::{
    error::Error,
    wire::{position, time_in},
};

/// The server's answer to the append of a group.
#[derive(Debug)]
pub(super) struct Answer {
    /// The names that other transactions hold, by their places from 1: nothing was done.
    pub(super) held: Option<Vec<i32>>,
    /// Why each batch was refused, 0 for an accepted one; none if all were accepted.
    kinds: Option<Vec<i32>>,
    /// What each batch was refused for; its meaning depends on the kind.
    found: Vec<Option<i64>>,
    /// The positions of the accepted events, in order.
    positions: Vec<i64>,
    revisions: Vec<Option<i64>>,
    recorded_at: Option<SystemTime>,
}

impl Answer {
    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            held: row.try_get(0)?,
            kinds: row.try_get(1)?,
            found: row.try_get::<Option<_>, _>(2)?.unwrap_or_default(),
            positions: row.try_get::<Option<_>, _>(3)?.unwrap_or_default(),
            revisions: row.try_get::<Option<_>, _>(4)?.unwrap_or_default(),
            recorded_at: time_in(row, 5),
        })
    }

    /// The last position that was given out.
    pub(super) fn head(&self) -> Option<SequencePosition> {
        self.positions.last().copied().and_then(position)
    }

    /// The verdict on each batch.
    pub(super) fn verdicts(&self, batches: &[&Batch]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(batches.len());
        let mut next = 0;
        for (index, batch) in batches.iter().enumerate() {
            let verdict = if self.is_accepted(index) {
                let first = next;
                next += batch.events().len();
                self.records(batch, first)
            } else {
                let refusal = self.refusal(batches, index, &verdicts);
                Err(refusal.unwrap_or_else(|| not_understood("a refusal without a reason")))
            };
            verdicts.push(verdict);
        }
        verdicts
    }

    fn is_accepted(&self, index: usize) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.get(index) == Some(&0))
    }

    /// The records of a batch; `first` is the index of its first event among those accepted.
    fn records(&self, batch: &Batch, first: usize) -> Verdict {
        let record = |(event, at): (&NewEvent, usize)| {
            let position = self.positions.get(at).copied().and_then(position)?;
            let revision = self.revisions.get(at).copied().flatten();
            let revision = revision.and_then(|revision| u64::try_from(revision).ok());
            Some(record(event.clone(), position, revision, self.recorded_at?))
        };
        let records: Option<_> = batch.events().iter().zip(first..).map(record).collect();
        records.ok_or_else(|| not_understood("a record without a place"))
    }

    /// Why a batch was refused; `earlier` are the verdicts on the batches before it.
    fn refusal(
        &self,
        batches: &[&Batch],
        index: usize,
        earlier: &[Verdict],
    ) -> Option<AppendError> {
        let batch = batches[index];
        let found = self.found.get(index).copied().flatten()?;
        let matching = |position| {
            let (query, after) = batch.query()?;
            Some(Conflict::EventsMatch { query: query.clone(), after, position }.into())
        };
        match self.kinds.as_ref()?.get(index)? {
            1 => {
                let at = usize::try_from(found).ok()?.checked_sub(1)?;
                let event = batches.iter().flat_map(|batch| batch.events()).nth(at)?;
                Some(AppendError::DuplicateEventId(event.id))
            }
            2 => matching(position(found)?),
            3 => {
                let other = earlier.get(usize::try_from(found).ok()?.checked_sub(1)?)?;
                let (query, _) = batch.query()?;
                let mut records = other.as_ref().ok()?.iter();
                let record = records.find(|r| query.matches(&r.event_type, &r.tags))?;
                matching(record.position)
            }
            4 => match batch.condition() {
                AppendCondition::ExpectedRevision { stream, revision: expected } => {
                    let actual = u64::try_from(found).ok().into();
                    let (stream, expected) = (stream.clone(), *expected);
                    Some(Conflict::Revision { stream, expected, actual }.into())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn not_understood(what: &'static str) -> AppendError {
    StoreError::from(Error::Answer(what)).into()
}
