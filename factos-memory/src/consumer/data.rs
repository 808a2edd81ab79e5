use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use factos::{Anchor, SequencePosition};
use factos_consumer::port::{
    ConsumerId, ConsumerRow, ConsumerState, Failure, NewParked, Parked, PartitionRow, PortError,
    ProcessId, Resize, Succession, Token,
};
use tokio::time::Instant;

use super::transaction::Values;

/// A time that no process lives to see, and that can be told.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The time so long from now.
pub(super) fn after(now: Instant, pause: Duration) -> Instant {
    now + pause.min(FAR)
}

/// Everything that is kept.
#[derive(Clone, Default)]
pub(super) struct Data {
    pub(super) consumers: BTreeMap<ConsumerId, Consumer>,
    pub(super) processes: HashMap<ProcessId, Process>,
    pub(super) values: Values,
    /// The last token that was given. One number for all partitions is above all before for each of them.
    pub(super) last_token: u64,
}

#[derive(Clone)]
pub(super) struct Process {
    pub(super) serves: Vec<ConsumerId>,
    pub(super) alive_until: Instant,
}

#[derive(Clone)]
pub(super) struct Consumer {
    pub(super) state: ConsumerState,
    pub(super) succession: Succession,
    pub(super) resize: Option<Resize>,
    pub(super) partitions: Vec<Partition>,
    pub(super) parked: BTreeMap<SequencePosition, ParkedEvent>,
}

#[derive(Clone, Default)]
pub(super) struct Partition {
    pub(super) anchor: Option<Anchor>,
    pub(super) lease: Option<Lease>,
    pub(super) error: Option<String>,
}

#[derive(Clone)]
pub(super) struct Lease {
    pub(super) owner: ProcessId,
    pub(super) token: Token,
    pub(super) until: Instant,
}

#[derive(Clone)]
pub(super) struct ParkedEvent {
    pub(super) index: u32,
    pub(super) key: Option<String>,
    pub(super) slot: u64,
    pub(super) attempts: u32,
    pub(super) reason: String,
    pub(super) retry_at: Option<Instant>,
    pub(super) skipped: Option<String>,
}

impl Data {
    pub(super) fn consumer(&mut self, id: &ConsumerId) -> Result<&mut Consumer, PortError> {
        self.consumers.get_mut(id).ok_or_else(|| PortError::Unknown(id.clone()))
    }

    /// The version of a name that is live.
    pub(super) fn live(&self, name: &str) -> Option<ConsumerId> {
        let is_live = |(id, consumer): &(&ConsumerId, &Consumer)| {
            id.name == name && consumer.state == ConsumerState::Live
        };
        self.consumers.iter().find(is_live).map(|(id, _)| id.clone())
    }

    pub(super) fn next_token(&mut self) -> Token {
        self.last_token += 1;
        Token(self.last_token)
    }
}

impl Consumer {
    pub(super) fn new(
        state: ConsumerState,
        succession: Succession,
        partitions: u32,
        start: Option<Anchor>,
    ) -> Self {
        let mut consumer = Self {
            state,
            succession,
            resize: None,
            partitions: Vec::new(),
            parked: BTreeMap::new(),
        };
        consumer.divide(partitions, start);
        consumer
    }

    /// Replaces the partitions, none of which is leased, by others.
    pub(super) fn divide(&mut self, partitions: u32, anchor: Option<Anchor>) {
        let partition = Partition { anchor, ..Partition::default() };
        self.partitions = vec![partition; partitions as usize];
        self.resize = None;
    }

    pub(super) fn row(&self, id: &ConsumerId, now: Instant) -> ConsumerRow {
        let partitions = self.partitions.iter().zip(0..);
        ConsumerRow {
            consumer: id.clone(),
            state: self.state,
            succession: self.succession,
            resize: self.resize,
            partitions: partitions.map(|(partition, number)| partition.row(number, now)).collect(),
            retry_in: self.retry_in(now),
        }
    }

    fn retry_in(&self, now: Instant) -> Option<Duration> {
        let tried = self.first().filter_map(|(_, parked)| parked.retry_at);
        tried.min().map(|at| at.saturating_duration_since(now))
    }

    /// The parked events that wait behind nothing: the first of each key, and all without one.
    pub(super) fn first(&self) -> impl Iterator<Item = (&SequencePosition, &ParkedEvent)> {
        let mut seen = HashSet::new();
        let waiting = self.parked.iter().filter(|(_, parked)| parked.skipped.is_none());
        waiting.filter(move |(_, parked)| parked.key.as_ref().is_none_or(|key| seen.insert(key)))
    }

    /// The keys with parked events, of one partition.
    pub(super) fn blocked(&self, number: u32) -> Vec<String> {
        let partitions = self.partitions.len();
        let blocking = self.parked.values().filter(|parked| parked.skipped.is_none());
        let here = blocking.filter(|parked| parked.is_of(number, partitions));
        let mut keys: Vec<_> = here.filter_map(|parked| parked.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

impl Partition {
    pub(super) fn position(&self) -> Option<SequencePosition> {
        self.anchor.as_ref().map(Anchor::position)
    }

    pub(super) fn is_free(&self, now: Instant) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.until <= now)
    }

    pub(super) fn is_held_by(&self, token: Token) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.token == token)
    }

    fn row(&self, number: u32, now: Instant) -> PartitionRow {
        let lease = self.lease.as_ref().filter(|lease| lease.until > now);
        PartitionRow {
            number,
            owner: lease.map(|lease| lease.owner.clone()),
            free_in: lease.map_or(Duration::ZERO, |lease| lease.until - now),
            position: self.position(),
            error: self.error.clone(),
        }
    }
}

impl ParkedEvent {
    pub(super) fn new(parked: NewParked, now: Instant) -> Self {
        let NewParked { index, key, slot, failure, .. } = parked;
        let mut event = Self {
            index,
            key,
            slot,
            attempts: 0,
            reason: String::new(),
            retry_at: None,
            skipped: None,
        };
        event.fail(index, failure, now);
        event
    }

    pub(super) fn fail(&mut self, index: u32, failure: Failure, now: Instant) {
        self.index = index;
        self.attempts = failure.attempts;
        self.reason = failure.reason;
        self.retry_at = failure.retry_in.map(|pause| after(now, pause));
    }

    pub(super) fn is_of(&self, partition: u32, partitions: usize) -> bool {
        self.slot % (partitions.max(1) as u64) == u64::from(partition)
    }

    pub(super) fn row(&self, consumer: &ConsumerId, at: SequencePosition, now: Instant) -> Parked {
        Parked {
            consumer: consumer.clone(),
            position: at,
            index: self.index,
            key: self.key.clone(),
            attempts: self.attempts,
            reason: self.reason.clone(),
            retry_in: self.retry_at.map(|at| at - now),
            skipped: self.skipped.clone(),
        }
    }
}
