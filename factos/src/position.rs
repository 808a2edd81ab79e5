use std::{fmt, num::NonZeroU64};

/// A place in the whole log, from 1, unique and strictly increasing. Gaps are allowed.
///
/// "No position", as in "nothing was read yet", is `Option::None`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequencePosition(NonZeroU64);

impl SequencePosition {
    /// The first position of a log.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The position of this number; `None` for 0.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The position this many places further on.
    #[must_use]
    pub const fn saturating_add(self, places: u64) -> Self {
        Self(self.0.saturating_add(places))
    }

    /// The number, from 1.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl From<NonZeroU64> for SequencePosition {
    fn from(number: NonZeroU64) -> Self {
        Self(number)
    }
}

impl From<SequencePosition> for u64 {
    fn from(position: SequencePosition) -> Self {
        position.get()
    }
}

impl fmt::Display for SequencePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for SequencePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SequencePosition({})", self.0)
    }
}
