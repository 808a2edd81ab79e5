use std::time::Duration;

use factos::SequencePosition;

use super::{consumer::ConsumerId, lease::PartitionId};

/// An event that a consumer could not handle, or that waits behind such a one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Whose.
    pub consumer: ConsumerId,
    /// The event.
    pub position: SequencePosition,
    /// The first of its effects that is not carried out.
    pub index: u32,
    /// Its key, if later events of the key wait behind it.
    pub key: Option<String>,
    /// How often it was tried; 0 if it waits behind another one.
    pub attempts: u32,
    /// Why it is parked.
    pub reason: String,
    /// In how long it is tried again; zero if it is due, `None` if only an administrator has it tried again.
    pub retry_in: Option<Duration>,
    /// Why it was skipped. It then stands in nobody's way.
    pub skipped: Option<String>,
}

/// Which parked events are asked for, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParkedQuery {
    /// Those of a consumer after a position, skipped ones too.
    Listed {
        /// Whose.
        consumer: ConsumerId,
        /// Only later ones than this.
        after: Option<SequencePosition>,
    },
    /// Those of a partition that are to be tried now: the first of each key, and all without one.
    Due {
        /// Of which partition.
        partition: PartitionId,
        /// Into how many partitions the consumer is divided.
        partitions: u32,
    },
    /// Those of a key, but for skipped ones.
    OfKey {
        /// Whose.
        consumer: ConsumerId,
        /// The key.
        key: String,
    },
}

impl ParkedQuery {
    /// Whose parked events are asked for.
    #[must_use]
    pub const fn consumer(&self) -> &ConsumerId {
        match self {
            Self::Listed { consumer, .. } | Self::OfKey { consumer, .. } => consumer,
            Self::Due { partition, .. } => &partition.consumer,
        }
    }
}

/// Which parked events an administrator means. Those that were skipped are not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One.
    At(SequencePosition),
    /// All of a key.
    OfKey(String),
    /// The first so many, in the order of the log.
    First(u32),
    /// All.
    All,
}

/// What an administrator has done with parked events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They are due now, whatever their attempts.
    Retry,
    /// They are not to be handled, for this reason.
    Skip(String),
}

/// How many events are parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParkedCount {
    /// Those that are tried again, or wait behind others.
    pub waiting: u64,
    /// Those that only an administrator has tried again.
    pub dead: u64,
    /// Those that were skipped.
    pub skipped: u64,
}
