use std::{fmt, time::Duration};

use factos::{Anchor, SequencePosition};

use super::{
    consumer::{ConsumerId, ConsumerRow},
    process::ProcessId,
};

/// One of the partitions of a consumer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId {
    /// Whose partition.
    pub consumer: ConsumerId,
    /// Its number, from 0.
    pub number: u32,
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} of {}", self.number, self.consumer)
    }
}

/// The fencing token of a lease: each lease of a partition has a higher one than all before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// A lease that was given, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What every step under this lease has to name.
    pub token: Token,
    /// Into how many partitions the consumer is divided while this lease lasts.
    pub partitions: u32,
    /// Where the partition has come to.
    pub anchor: Option<Anchor>,
    /// Where it must stop, as the number of partitions is about to change.
    pub resize: Option<Until>,
    /// The keys with parked events. Later events of these wait behind them.
    pub blocked: Vec<String>,
}

/// The position at which a partition stops; `None` is the start of the log, where it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until(pub Option<SequencePosition>);

/// The sign of life of a process, with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Which process.
    pub process: ProcessId,
    /// The consumers that it can run.
    pub serves: Vec<ConsumerId>,
    /// The leases that it goes on with.
    pub held: Vec<(PartitionId, Token)>,
    /// For how long from now the leases, and the process itself, are valid.
    pub lease: Duration,
}

/// What a process learns from its beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The processes that are alive, this one included.
    pub processes: Vec<LiveProcess>,
    /// The consumers that this process serves, but for those that are retired.
    pub consumers: Vec<ConsumerRow>,
    /// What this process holds no more, of what it said that it holds.
    pub lost: Vec<PartitionId>,
}

/// A process that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveProcess {
    /// Which one.
    pub process: ProcessId,
    /// The consumers that it can run.
    pub serves: Vec<ConsumerId>,
}
