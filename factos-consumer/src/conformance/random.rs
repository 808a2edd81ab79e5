use std::ops::RangeInclusive;

use fastrand::Rng;

use super::{setting::number, tables::Tables};

const SEED: &str = "FACTOS_CONFORMANCE_SEED";

/// Random inputs, repeatable: the seed is printed when a case panics.
pub(super) struct Random {
    seed: u64,
    rng: Rng,
}

impl Random {
    /// Takes the seed of the environment, else that of the fixture, else a new one.
    pub(super) fn of(tables: &Tables) -> Self {
        let seed = number(SEED).or(tables.seed).unwrap_or_else(|| fastrand::u64(..));
        Self { seed, rng: Rng::with_seed(seed) }
    }

    /// Another one for a task, which has other inputs, and the same ones each time.
    pub(super) fn fork(&mut self) -> Rng {
        self.rng.fork()
    }

    pub(super) fn within(&mut self, range: RangeInclusive<u32>) -> u32 {
        self.rng.u32(range)
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(0..times) == 0
    }

    pub(super) fn one_of<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        self.rng.choice(of).cloned()
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{SEED}={} repeats this", self.seed);
        }
    }
}
