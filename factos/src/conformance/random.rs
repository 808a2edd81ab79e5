use std::ops::RangeInclusive;

use bytes::Bytes;
use fastrand::Rng;

use super::{
    fixture::Fixture,
    sample_values::{event, item},
    setting::number,
};
use crate::{
    append::NewEvent,
    position::SequencePosition,
    query::{Query, QueryItem},
    read_options::ReadOptions,
    recorded::Recorded,
};

const SEED: &str = "FACTOS_CONFORMANCE_SEED";
const TYPES: [&str; 4] = ["A", "B", "C", "D"];
const TAGS: [&str; 5] = ["x:1", "x:2", "y:1", "y:2", "z:1"];

/// Random inputs, repeatable: the seed is printed when a case panics.
pub(super) struct Random {
    seed: u64,
    rng: Rng,
}

impl Random {
    /// Takes the seed of the environment, else that of the fixture, else a new one.
    pub(super) fn new<F: Fixture>() -> Self {
        Self::with_seed(number(SEED).or(F::settings().seed).unwrap_or_else(|| fastrand::u64(..)))
    }

    pub(super) fn with_seed(seed: u64) -> Self {
        Self { seed, rng: Rng::with_seed(seed) }
    }

    pub(super) fn u64(&mut self) -> u64 {
        self.rng.u64(..)
    }

    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        self.rng.u64(range)
    }

    /// At least 0, and below 1.
    pub(super) fn fraction(&mut self) -> f64 {
        self.rng.f64()
    }

    pub(super) fn bool(&mut self) -> bool {
        self.rng.bool()
    }

    /// An event whose type and tags are among a few, so that queries overlap.
    pub(super) fn event(&mut self) -> NewEvent {
        let types = self.some(&TYPES, 1..=1);
        event(types[0], &self.some(&TAGS, 0..=3))
    }

    /// A query of up to three items, or at times of every event.
    pub(super) fn query(&mut self) -> Query {
        if self.within(0..=15) == 0 {
            return Query::all();
        }
        let items = self.within(1..=3);
        Query::any_of((0..items).map(|_| self.item())).unwrap()
    }

    fn item(&mut self) -> QueryItem {
        let types = self.some(&TYPES, 0..=2);
        let least = u64::from(types.is_empty());
        item(&types, &self.some(&TAGS, least..=2))
    }

    /// Options whose bounds lie inside of this log, or a little outside.
    pub(super) fn options(&mut self, log: &[Recorded<Bytes>]) -> ReadOptions {
        let mut options = ReadOptions::all().after(self.position(log)).before(self.position(log));
        let most = if self.bool() { 3 } else { log.len() as u64 + 2 };
        options.limit = self.bool().then(|| self.within(0..=most));
        options.backwards = self.bool();
        options
    }

    /// The position of an event of this log, or one beside it, half of them near the end; or none.
    pub(super) fn position(&mut self, log: &[Recorded<Bytes>]) -> Option<SequencePosition> {
        let near_the_end = if self.bool() { log.len().saturating_sub(4) } else { 0 };
        let record = self.rng.choice(&log[near_the_end..])?;
        let position = record.position.get() - 1 + self.within(0..=2);
        self.bool().then(|| SequencePosition::new(position)).flatten()
    }

    fn some<'a>(&mut self, of: &[&'a str], count: RangeInclusive<u64>) -> Vec<&'a str> {
        let count = usize::try_from(self.within(count)).unwrap();
        self.rng.choose_multiple(of.iter().copied(), count)
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{SEED}={} repeats this", self.seed);
        }
    }
}
