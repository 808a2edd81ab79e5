use std::fmt;

use factos::{Anchor, SequencePosition};

use super::process::ProcessId;

/// A version of a consumer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId {
    /// Its name, the same for all versions.
    pub name: String,
    /// Which version of it, from 1.
    pub version: u32,
}

impl ConsumerId {
    /// A version of the consumer of this name.
    pub fn new(name: impl Into<String>, version: u32) -> Self {
        Self { name: name.into(), version }
    }
}

impl fmt::Display for ConsumerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// What a version is among the versions of its consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsumerState {
    /// The one that counts. A name has at most one.
    Live,
    /// It is being built beside the live one, or was the live one before: it runs, and can be promoted.
    Beside,
    /// It runs no more.
    Retired,
}

impl ConsumerState {
    /// Its name, as a table may hold it: `live`, `beside` or `retired`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Beside => "beside",
            Self::Retired => "retired",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Live, Self::Beside, Self::Retired].into_iter().find(|state| state.as_str() == name)
    }
}

/// What becomes of the versions of a consumer when a higher one appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Succession {
    /// It is built beside the live one, from its own start, until it is promoted: a projection.
    Rebuild,
    /// It takes over where the live one stands, which is retired in the same transaction: effects, of which none may be
    /// carried out again.
    TakeOver,
}

impl Succession {
    /// What a consumer of this kind is called.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Rebuild => "projection",
            Self::TakeOver => "reaction",
        }
    }
}

/// What a process says of a consumer that it can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Which one.
    pub consumer: ConsumerId,
    /// Into how many partitions it is to be divided; at least 1.
    pub partitions: u32,
    /// What it is to the versions below it, and they to it: those of a name are all of one kind.
    pub succession: Succession,
    /// Where it starts if it is new and takes over from none; `None` for the start of the log.
    pub start: Option<Anchor>,
}

/// How a version stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerRow {
    /// Which one.
    pub consumer: ConsumerId,
    /// What it is among the versions of its name.
    pub state: ConsumerState,
    /// As it was registered.
    pub succession: Succession,
    /// The division that is to come, while the present one is drained.
    pub resize: Option<Resize>,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionRow>,
    /// In how long the next parked event is to be tried again; `None` if none is. One that waits behind another of its
    /// key is not the next.
    pub retry_in: Option<std::time::Duration>,
}

impl ConsumerRow {
    /// The position up to which every partition has come; `None` if one has not begun.
    #[must_use]
    pub fn position(&self) -> Option<SequencePosition> {
        self.partitions.iter().map(|partition| partition.position).min().flatten()
    }
}

/// A change of the number of partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resize {
    /// How many partitions there are to be.
    pub partitions: u32,
    /// The position that all present partitions stop at: the highest that one of them had come to.
    pub until: Option<SequencePosition>,
}

/// How a partition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionRow {
    /// Its number, from 0.
    pub number: u32,
    /// The process that holds its lease; `None` if it is free or the lease has run out.
    pub owner: Option<ProcessId>,
    /// In how long its lease runs out; zero if it is free.
    pub free_in: std::time::Duration,
    /// Where it has come to.
    pub position: Option<SequencePosition>,
    /// What went wrong last, until a step succeeds.
    pub error: Option<String>,
}
