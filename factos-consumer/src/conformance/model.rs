//! Random operations, one at a time, have the same results as on a port over plain lists.

mod operation;
mod plain_port;

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use factos::SequencePosition;

use self::{
    operation::{Operation, Operations},
    plain_port::{Event, Lease, PlainPort, Refusal, Retry, Version},
};
use super::{
    handle::Handle,
    port_calls::told,
    random::Random,
    sample_values::{LONG, due, listed},
    script::Script,
    setting::number,
    tables::Tables,
};
use crate::port::{
    Beat, ConsumerId, ConsumerRow, Parked, PartitionId, PartitionRow, PortError, ProcessId,
};

/// How many operations a list has.
const LENGTH: u32 = 40;

/// After how many operations everything is compared, and not only the partitions.
const EVERYTHING: u32 = 4;

/// How many lists of operations are run instead of what the fixture says.
const CASES: &str = "FACTOS_CONFORMANCE_CASES";

/// Random operations of three handles have the same results as on plain lists, and leave the same behind.
pub async fn random_operations_agree_with_plain_lists(tables: Tables) {
    let mut random = Random::of(&tables);
    for _ in 0..number(CASES).map_or(tables.model_cases, NonZeroU32::get) {
        let tables = tables.another().await;
        let plain = agree_on_a_list(&tables.handles().await, &mut random).await;
        assert_eq!(tables.rows().await, plain.rows, "the rows that work wrote");
    }
}

async fn agree_on_a_list(handles: &[Handle; 3], random: &mut Random) -> PlainPort {
    let mut plain = PlainPort::default();
    let mut done = Done(Vec::new());
    let mut operations = Operations::new(random);
    for number in 0..LENGTH {
        let operation = operations.next(&plain);
        let handle = &handles[number as usize * 7 % 3];
        done.0.push(format!("{operation:?}"));
        agree(handle, &mut plain, operation, &format!("row {number}"), &mut operations).await;
        // What waits for leases to be free is ended by now, whatever the port looks at in which call.
        let known: Vec<_> = plain.versions.keys().cloned().collect();
        beat(handle, &mut plain, "looks", &known, &[]).await;
        compare(&handles[2], &plain, number % EVERYTHING == 0 || number + 1 == LENGTH).await;
    }
    plain
}

/// The operations of a list, which are shown if it fails.
struct Done(Vec<String>);

impl Drop for Done {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after these operations:\n{}", self.0.join("\n"));
        }
    }
}

/// Does an operation on both, and asserts that it comes to the same.
async fn agree(
    handle: &Handle,
    plain: &mut PlainPort,
    operation: Operation,
    row: &str,
    operations: &mut Operations<'_>,
) {
    let rule = format!("on plain lists {operation:?} comes to the same");
    let work = |fails| if fails { Err(()) } else { Ok(row) };
    let script = |fails| {
        let script = Script::writes(row);
        Some(if fails { script.fails("no") } else { script })
    };
    match operation {
        Operation::Register(registration) => {
            let found = refused(handle.try_register(&registration).await);
            assert_eq!(found, plain.register(&registration), "{rule}");
        }
        Operation::Acquire { process, partition, is_over } => {
            acquire(handle, plain, (&process, &partition, is_over), operations, &rule).await;
        }
        Operation::Release(partition, token) => {
            handle.release(&partition, token).await;
            plain.release(&partition, token);
        }
        Operation::Leave(process) => {
            handle.leave(&process).await;
            plain.leave(&process);
        }
        Operation::Beat { process, serves, held } => {
            beat(handle, plain, &process, &serves, &held).await;
        }
        Operation::Commit { step, work_fails } => {
            let found = refused(handle.commit(step.clone(), script(work_fails)).await);
            assert_eq!(found, plain.commit(&step, work(work_fails)), "{rule}");
        }
        Operation::Report(partition, token, error) => {
            handle.report(&partition, token, &error).await;
            plain.report(&partition, token, &error);
        }
        Operation::Decide(consumer, selection, decision) => {
            let found = handle.decide(&consumer, &selection, &decision).await;
            assert_eq!(found, plain.decide(&consumer, &selection, &decision), "{rule}");
        }
        Operation::Promote { consumer, work_fails } => {
            let found = refused(handle.promote(&consumer, script(work_fails)).await);
            let right = plain.promote(&consumer, work(work_fails));
            // Work may be begun for a version that is refused.
            let is_either = right.is_err() && found.is_err();
            assert!(found == right || is_either, "{rule}: {found:?}, right is {right:?}");
        }
        Operation::Retire(consumer) => {
            let found = refused(handle.retire(&consumer).await);
            assert_eq!(found, plain.retire(&consumer), "{rule}");
        }
    }
}

async fn acquire(
    handle: &Handle,
    plain: &mut PlainPort,
    (process, partition, is_over): (&str, &PartitionId, bool),
    operations: &mut Operations<'_>,
    rule: &str,
) {
    let lease = if is_over { Duration::ZERO } else { LONG };
    let granted = handle.acquire(process, partition, lease).await;
    assert_eq!(granted.is_some(), plain.may_acquire(partition), "{rule}: whether it is granted");
    let Some(mut grant) = granted else { return };
    let version = &plain.versions[&partition.consumer];
    grant.blocked.sort_unstable();
    let told = (
        grant.partitions as usize,
        grant.anchor.as_ref(),
        grant.resize.map(|until| until.0),
        &grant.blocked,
    );
    let right = (
        version.partitions.len(),
        version.partitions[partition.number as usize].anchor.as_ref(),
        version.resize.map(|(_, until)| until),
        &version.blocked(partition.number),
    );
    assert_eq!(told, right, "{rule}: what is granted");
    let of_partition = operations.given.iter().filter(|(id, _)| id == partition);
    let last = of_partition.map(|(_, token)| *token).max();
    assert!(last < Some(grant.token), "{rule}: {:?} after {last:?}", grant.token);
    operations.given.push((partition.clone(), grant.token));
    plain.acquire(partition, Lease { owner: process.to_owned(), token: grant.token, is_over });
}

async fn beat(
    handle: &Handle,
    plain: &mut PlainPort,
    process: &str,
    serves: &[ConsumerId],
    held: &[(PartitionId, crate::port::Token)],
) {
    let beat = Beat {
        process: ProcessId(process.to_owned()),
        serves: serves.to_vec(),
        held: held.to_vec(),
        lease: LONG,
    };
    let found = handle.beat(&beat).await;
    let rule = format!("on plain lists {beat:?} comes to the same");
    let lost: BTreeSet<_> = found.lost.into_iter().collect();
    assert_eq!(lost, plain.beat(process, serves, held), "{rule}: what is lost");
    let alive: Vec<_> =
        found.processes.into_iter().map(|live| (live.process.0, live.serves)).collect();
    let alive: std::collections::BTreeMap<_, _> = alive.into_iter().collect();
    assert_eq!(alive, plain.processes, "{rule}: who is alive");
    let shown: BTreeSet<_> = found.consumers.into_iter().map(|row| row.consumer).collect();
    let is_shown = |id: &&ConsumerId| {
        let version = plain.versions.get(*id);
        version.is_some_and(|version| version.state != crate::port::ConsumerState::Retired)
    };
    let right: BTreeSet<_> = serves.iter().filter(is_shown).cloned().collect();
    assert_eq!(shown, right, "{rule}: what is shown");
}

/// Asserts that both have kept the same.
async fn compare(handle: &Handle, plain: &PlainPort, everything: bool) {
    let rows = handle.consumers().await;
    for (id, version) in &plain.versions {
        let row = rows.iter().find(|row| row.consumer == *id);
        let row = row.unwrap_or_else(|| panic!("{id} is shown, and there are {rows:?}"));
        compare_version(row, version);
        if everything {
            compare_parked(handle, id, version).await;
        }
    }
}

fn compare_version(row: &ConsumerRow, version: &Version) {
    let id = &row.consumer;
    let found = (row.state, row.succession, Retry::of(row.retry_in));
    let right = (version.state, version.succession, version.next_retry());
    assert_eq!(found, right, "how {id} stands");
    let found: Vec<_> = row.partitions.iter().map(shown).collect();
    let right: Vec<_> = version.partitions.iter().map(right_of).collect();
    assert_eq!(found, right, "the partitions of {id}");
    // What a version without partitions shows of the division to come is left to the port.
    if !right.is_empty() {
        let found = row.resize.map(|resize| (resize.partitions, resize.until));
        assert_eq!(found, version.resize, "the division of {id} to come");
    }
}

/// What is compared of a partition.
#[derive(Debug, PartialEq)]
struct Stand {
    owner: Option<String>,
    is_free: bool,
    position: Option<SequencePosition>,
    error: Option<String>,
}

fn shown(row: &PartitionRow) -> Stand {
    Stand {
        owner: row.owner.as_ref().map(|owner| owner.0.clone()),
        is_free: row.free_in.is_zero(),
        position: row.position,
        error: row.error.clone(),
    }
}

fn right_of(partition: &plain_port::Partition) -> Stand {
    let lease = partition.lease.as_ref().filter(|lease| !lease.is_over);
    Stand {
        owner: lease.map(|lease| lease.owner.clone()),
        is_free: lease.is_none(),
        position: partition.anchor.as_ref().map(factos::Anchor::position),
        error: partition.error.clone(),
    }
}

async fn compare_parked(handle: &Handle, id: &ConsumerId, version: &Version) {
    let found = handle.parked(&listed(id, 0), u32::MAX).await;
    let found: Vec<_> = found.iter().map(|parked| (parked.position, event(parked))).collect();
    // Its slot is not shown.
    let unslotted = |event: &Event| Event { slot: 0, ..event.clone() };
    let right: Vec<_> = version.parked.iter().map(|(at, kept)| (*at, unslotted(kept))).collect();
    assert_eq!(found, right, "what is parked of {id}");
    assert_eq!(handle.count_parked(id).await, version.count(), "how much is parked of {id}");
    let count = u32::try_from(version.partitions.len()).unwrap();
    for number in 0..count {
        let partition = PartitionId { consumer: id.clone(), number };
        let found = handle.parked(&due(&partition, count), u32::MAX).await;
        let found: Vec<_> = found.iter().map(|parked| parked.position.get()).collect();
        assert_eq!(found, version.due(number), "what is due in {partition}");
    }
}

fn event(parked: &Parked) -> Event {
    Event {
        index: parked.index,
        key: parked.key.clone(),
        slot: 0,
        attempts: parked.attempts,
        retry: Retry::of(parked.retry_in),
        skipped: parked.skipped.clone(),
    }
}

fn refused<T>(outcome: Result<T, PortError>) -> Result<T, Refusal> {
    outcome.map_err(|error| match error {
        PortError::LeaseLost(_) => Refusal::LeaseLost,
        PortError::Moved { .. } => Refusal::Moved,
        PortError::OtherLog { .. } => Refusal::OtherLog,
        PortError::Work(_) => Refusal::Work,
        PortError::Unknown(_) => Refusal::Unknown,
        PortError::IsLive(_) => Refusal::IsLive,
        PortError::IsRetired(_) => Refusal::IsRetired,
        PortError::OtherKind { .. } => Refusal::OtherKind,
        error => panic!("a call is done or refused, and came to {}", told(&error)),
    })
}
