use std::fmt;

/// The revision of a stream: the place of its last event, from 0, or that it has none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// The stream has no event yet.
    NoEvents,
    /// The last event of the stream has this revision.
    Current(u64),
}

impl Revision {
    /// The revision that the next event of the stream gets. No stream comes to the end of the numbers; there,
    /// it is the last one again, which every store refuses.
    #[must_use]
    pub const fn next(self) -> u64 {
        match self {
            Self::NoEvents => 0,
            Self::Current(revision) => revision.saturating_add(1),
        }
    }
}

impl From<Option<u64>> for Revision {
    fn from(last: Option<u64>) -> Self {
        last.map_or(Self::NoEvents, Self::Current)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEvents => f.write_str("no events"),
            Self::Current(revision) => write!(f, "revision {revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revision_after_the_last_number_is_no_panic() {
        assert_eq!(Revision::NoEvents.next(), 0);
        assert_eq!(Revision::Current(0).next(), 1);
        assert_eq!(Revision::Current(u64::MAX - 1).next(), u64::MAX);
        assert_eq!(Revision::Current(u64::MAX).next(), u64::MAX);
    }
}
