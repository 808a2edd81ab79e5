//! What cases do again and again, and what they look at.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use super::{
    handle::Handle,
    sample_values::{LONG, listed, parks},
    script::Script,
};
use crate::port::{
    ConsumerId, ConsumerRow, Grant, NewParked, Parked, PartitionId, PartitionRow, PortError, Step,
    Token,
};

/// How long something is polled for that must come to be.
const LONGEST: Duration = Duration::from_secs(30);

/// How often it is looked at in any case, however slow the port is.
const LEAST_LOOKS: u32 = 100;

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// What is found once it is there.
pub(super) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let mut looks = Looks::for_what(what);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        looks.again().await;
    }
}

/// Looks for something that must come to be. The clock alone fails no case: a slow port is looked at as often as a fast
/// one.
struct Looks<'a> {
    what: &'a str,
    began: Instant,
    count: u32,
}

impl<'a> Looks<'a> {
    fn for_what(what: &'a str) -> Self {
        Self { what, began: Instant::now(), count: 0 }
    }

    async fn again(&mut self) {
        self.count += 1;
        let is_over = self.count > LEAST_LOOKS && self.began.elapsed() > LONGEST;
        let Self { what, began, count } = self;
        assert!(!is_over, "{what}: not after {count} looks in {:?}", began.elapsed());
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// The lease of a partition that is free, for long.
pub(super) async fn lease(handle: &Handle, process: &str, partition: &PartitionId) -> Grant {
    lease_for(handle, process, partition, LONG).await
}

pub(super) async fn lease_for(
    handle: &Handle,
    process: &str,
    partition: &PartitionId,
    lease: Duration,
) -> Grant {
    let grant = handle.acquire(process, partition, lease).await;
    grant.unwrap_or_else(|| panic!("a free partition is granted, and {partition} was not"))
}

/// The lease of a partition once that of another process has run out.
pub(super) async fn lease_once_free(
    handle: &Handle,
    process: &str,
    partition: &PartitionId,
) -> Grant {
    let what = format!("{partition} is granted anew once its lease has run out");
    let mut looks = Looks::for_what(&what);
    loop {
        if let Some(grant) = handle.acquire(process, partition, LONG).await {
            return grant;
        }
        looks.again().await;
    }
}

/// Makes a step that must be made.
pub(super) async fn commit(handle: &Handle, step: Step) {
    done(handle.commit(step.clone(), None).await, &format!("{step:?}"));
}

/// Makes a step that must be made, with its work.
pub(super) async fn commit_with(handle: &Handle, step: Step, work: Script) {
    done(handle.commit(step.clone(), Some(work)).await, &format!("{step:?}"));
}

#[track_caller]
pub(super) fn done(outcome: Result<(), PortError>, what: &str) {
    if let Err(error) = outcome {
        panic!("what may be done is done, and {what} came to {}", told(&error));
    }
}

/// Parks events in a partition, and gives its lease back.
pub(super) async fn park(
    handle: &Handle,
    partition: &PartitionId,
    events: impl IntoIterator<Item = NewParked>,
) {
    let grant = lease(handle, "parks", partition).await;
    commit(handle, parks(partition, grant.token, events)).await;
    handle.release(partition, grant.token).await;
}

/// How a version stands.
pub(super) async fn row(handle: &Handle, consumer: &ConsumerId) -> ConsumerRow {
    let rows = handle.consumers().await;
    let found = rows.iter().find(|row| row.consumer == *consumer).cloned();
    found.unwrap_or_else(|| panic!("{consumer} is shown, and there are {rows:?}"))
}

/// How a partition stands.
pub(super) async fn partition_row(handle: &Handle, partition: &PartitionId) -> PartitionRow {
    let row = row(handle, &partition.consumer).await;
    let found = row.partitions.iter().find(|row| row.number == partition.number).cloned();
    found.unwrap_or_else(|| panic!("{partition} is shown, and there are {row:?}"))
}

/// Where the partitions of a version have come to, 0 for the start.
pub(super) async fn positions(handle: &Handle, consumer: &ConsumerId) -> Vec<u64> {
    let row = row(handle, consumer).await;
    let positions = row.partitions.iter().map(|partition| partition.position);
    positions.map(|at| at.map_or(0, factos::SequencePosition::get)).collect()
}

/// All parked events of a consumer.
pub(super) async fn all_parked(handle: &Handle, consumer: &ConsumerId) -> Vec<Parked> {
    handle.parked(&listed(consumer, 0), u32::MAX).await
}

/// The positions of parked events.
pub(super) fn numbers(parked: &[Parked]) -> Vec<u64> {
    parked.iter().map(|parked| parked.position.get()).collect()
}

/// Asserts that a call was refused since the lease is lost.
#[track_caller]
pub(super) fn assert_lost(rule: &str, outcome: Result<(), PortError>, partition: &PartitionId) {
    match outcome {
        Err(PortError::LeaseLost(lost)) => {
            assert_eq!(lost, *partition, "{rule}: the partition that the error names");
        }
        Err(error) => panic!("{rule}: right is that the lease is lost, found {}", told(&error)),
        Ok(()) => panic!("{rule}: right is that the lease is lost, and the step was made"),
    }
}

/// Asserts that a call was refused since its work failed, and that the error says why.
#[track_caller]
pub(super) fn assert_failed(rule: &str, outcome: Result<(), PortError>, why: &str) {
    match outcome {
        Err(PortError::Work(error)) => {
            let said = error.to_string();
            assert!(
                said.contains(why),
                "{rule}: the error of the work says {why:?}, found {said:?}"
            );
        }
        Err(error) => panic!("{rule}: right is that the work failed, found {}", told(&error)),
        Ok(()) => panic!("{rule}: right is that the work failed, and the step was made"),
    }
}

/// An error with all of its causes.
pub(super) fn told(error: &PortError) -> String {
    let mut told = format!("{error:?}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

/// The tokens with the partitions that a process holds.
pub(super) fn held(grants: &[(&PartitionId, &Grant)]) -> Vec<(PartitionId, Token)> {
    grants.iter().map(|(partition, grant)| ((*partition).clone(), grant.token)).collect()
}
