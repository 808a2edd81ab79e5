use std::time::Duration;

use factos::{Anchor, EventId, SequencePosition};

use crate::port::{
    Advance, Beat, ConsumerId, Failure, NewParked, ParkedQuery, PartitionId, ProcessId,
    Registration, Step, Succession, Token,
};

/// A lease that does not run out while a case runs, however busy the machine is.
pub(super) const LONG: Duration = Duration::from_secs(600);

/// A lease that is waited for until it has run out.
pub(super) const SHORT: Duration = Duration::from_millis(100);

/// A pause that is not over while a case runs.
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The log that the consumers of the cases follow.
pub(super) const LOG: &str = "0197e0a4-0000-7000-8000-000000000001";

/// The consumer of most cases.
pub(super) fn orders(version: u32) -> ConsumerId {
    ConsumerId::new("orders", version)
}

/// The same consumer, to be rebuilt.
pub(super) fn rebuilt(version: u32, partitions: u32) -> Registration {
    let succession = Succession::Rebuild;
    Registration { consumer: orders(version), partitions, succession, start: None }
}

/// The same consumer, which takes over.
pub(super) fn taking_over(version: u32, partitions: u32) -> Registration {
    Registration { succession: Succession::TakeOver, ..rebuilt(version, partitions) }
}

/// What starts after this position if it is new, 0 for the start of the log.
pub(super) fn starting_at(number: u64, registration: Registration) -> Registration {
    Registration { start: at(number).map(|_| anchor(number)), ..registration }
}

/// A partition of the first version of the consumer.
pub(super) fn partition(number: u32) -> PartitionId {
    partition_of(1, number)
}

pub(super) fn partition_of(version: u32, number: u32) -> PartitionId {
    PartitionId { consumer: orders(version), number }
}

/// A position; 0 is the start of the log.
pub(super) const fn at(number: u64) -> Option<SequencePosition> {
    SequencePosition::new(number)
}

/// A position that is not the start.
pub(super) fn position(number: u64) -> SequencePosition {
    SequencePosition::new(number).unwrap()
}

/// The anchor at a position of the log.
pub(super) fn anchor(number: u64) -> Anchor {
    let mut id = [7; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Anchor::new(LOG, position(number), EventId::from_bytes(id))
}

/// A step that moves the first version's partition, from 0 for the start.
pub(super) fn moves(partition: &PartitionId, token: Token, from: u64, to: u64) -> Step {
    let advance = Advance { from: at(from), to: anchor(to) };
    Step { advance: Some(advance), ..Step::new(partition.clone(), token) }
}

/// A step that parks these events.
pub(super) fn parks(
    partition: &PartitionId,
    token: Token,
    park: impl IntoIterator<Item = NewParked>,
) -> Step {
    Step { park: park.into_iter().collect(), ..Step::new(partition.clone(), token) }
}

/// An event that is parked and due at once.
pub(super) fn parked(number: u64, key: Option<&str>) -> NewParked {
    parked_for(number, key, Some(Duration::ZERO))
}

/// An event that is parked, and tried again in so long.
pub(super) fn parked_for(number: u64, key: Option<&str>, retry_in: Option<Duration>) -> NewParked {
    NewParked {
        position: position(number),
        index: 0,
        key: key.map(ToOwned::to_owned),
        slot: 0,
        failure: failure(1, retry_in),
    }
}

pub(super) fn failure(attempts: u32, retry_in: Option<Duration>) -> Failure {
    Failure { attempts, reason: "the mail server is down".to_owned(), retry_in }
}

/// Those that are to be tried now.
pub(super) fn due(partition: &PartitionId, partitions: u32) -> ParkedQuery {
    ParkedQuery::Due { partition: partition.clone(), partitions }
}

/// Those of a consumer after a position, 0 for all.
pub(super) fn listed(consumer: &ConsumerId, after: u64) -> ParkedQuery {
    ParkedQuery::Listed { consumer: consumer.clone(), after: at(after) }
}

/// A beat of a process that can run these versions of the consumer.
pub(super) fn beat(process: &str, versions: &[u32], lease: Duration) -> Beat {
    Beat {
        process: ProcessId(process.to_owned()),
        serves: versions.iter().copied().map(orders).collect(),
        held: Vec::new(),
        lease,
    }
}

/// A beat of a process that holds these.
pub(super) fn beat_for(process: &str, held: &[(PartitionId, Token)], lease: Duration) -> Beat {
    Beat { held: held.to_vec(), ..beat(process, &[1], lease) }
}
