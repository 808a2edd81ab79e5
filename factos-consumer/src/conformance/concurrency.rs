//! Cases of many workers at once: what they write is what was accepted, once, and in order.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;

use super::{
    handle::Handle,
    parallel::at_once,
    port_calls::{numbers, positions, row, told},
    random::Random,
    sample_values::{
        LONG, beat_for, due, moves, orders, parked, parks, partition, position, rebuilt,
    },
    script::Script,
    tables::Tables,
};
use crate::port::{Grant, NewParked, PartitionId, PortError, Settled, Step};

/// How far each partition goes.
const LAST: u64 = 25;

/// How long a worker waits that was granted nothing.
const PAUSE: Duration = Duration::from_millis(1);

/// Many workers of several handles lease, move, renew and give back the same few partitions, some under leases that run
/// out at once: the rows are those of the steps that were accepted, each position once, in order.
pub async fn accepted_steps_are_written_once_and_in_order(tables: Tables) {
    let handles = tables.handles::<4>().await;
    handles[0].register(&rebuilt(1, 3)).await;
    let accepted = Arc::new(AtomicU64::new(0));
    let mut random = Random::of(&tables);
    let workers = (0..8).map(|number| {
        let worker = Worker {
            handle: handles[number % handles.len()].clone(),
            process: format!("process {number}"),
            rng: random.fork(),
            accepted: accepted.clone(),
        };
        worker.work()
    });
    at_once(workers).await;
    assert_eq!(positions(&handles[0], &orders(1)).await, [LAST; 3], "where the partitions are");
    let rows = tables.rows().await;
    let accepted = accepted.load(Ordering::SeqCst);
    assert_eq!(rows.len() as u64, accepted, "rows that were written, and steps that were accepted");
    let mut of_partition = BTreeMap::<_, Vec<_>>::new();
    for row in &rows {
        let (number, to) = row.split_once(' ').unwrap();
        of_partition.entry(number).or_default().push(to.parse::<u64>().unwrap());
    }
    let right: Vec<_> = (1..=LAST).collect();
    for (number, written) in of_partition {
        assert_eq!(written, right, "what was written in partition {number}: once, and in order");
    }
}

struct Worker {
    handle: Handle,
    process: String,
    rng: Rng,
    accepted: Arc<AtomicU64>,
}

impl Worker {
    /// Works until every partition is at its end.
    async fn work(mut self) {
        while positions(&self.handle, &orders(1)).await != [LAST; 3] {
            let partition = partition(self.rng.u32(0..3));
            let lease = if self.rng.bool() { Duration::ZERO } else { LONG };
            let granted = self.handle.acquire(&self.process, &partition, lease).await;
            match granted {
                Some(grant) => self.hold(&partition, grant).await,
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Moves a partition a few times, until its lease is lost or given back.
    async fn hold(&mut self, partition: &PartitionId, grant: Grant) {
        let from = grant.anchor.map_or(0, |anchor| anchor.position().get());
        for from in from..LAST.min(from + self.rng.u64(0..5)) {
            match self.rng.u32(0..5) {
                0 => self.handle.report(partition, grant.token, "an error").await,
                1 => {
                    let held = [(partition.clone(), grant.token)];
                    let beat = beat_for(&self.process, &held, Duration::from_millis(20));
                    if !self.handle.beat(&beat).await.lost.is_empty() {
                        return;
                    }
                }
                _ => tokio::task::yield_now().await,
            }
            let step = moves(partition, grant.token, from, from + 1);
            let work = Script::writes(format!("{} {}", partition.number, from + 1));
            match self.handle.commit(step, Some(work)).await {
                Ok(()) => self.accepted.fetch_add(1, Ordering::SeqCst),
                Err(PortError::LeaseLost(_)) => return,
                Err(error) => panic!(
                    "a step from where the partition was is made, or its lease is lost, found {}",
                    told(&error)
                ),
            };
        }
        self.handle.release(partition, grant.token).await;
    }
}

/// Workers that settle what is parked, under leases that may run out, do each event once, those of a key in order.
pub async fn parked_events_are_done_once_and_in_order(tables: Tables) {
    let handles = tables.handles::<3>().await;
    handles[0].register(&rebuilt(1, 2)).await;
    let events = (1..=30).map(|number| NewParked {
        slot: number % 4,
        ..parked(number, Some(&format!("key {}", number % 4)))
    });
    super::port_calls::park(&handles[0], &partition(0), events).await;
    let mut random = Random::of(&tables);
    let workers = (0..6).map(|number| {
        let (handle, rng) = (handles[number % handles.len()].clone(), random.fork());
        settle_all(handle, format!("process {number}"), rng)
    });
    at_once(workers).await;
    let rows: Vec<u64> = tables.rows().await.iter().map(|row| row.parse().unwrap()).collect();
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=30).collect::<Vec<_>>(), "what was done of what was parked");
    for key in 0..4 {
        let of_key: Vec<_> = rows.iter().copied().filter(|number| number % 4 == key).collect();
        assert!(of_key.is_sorted(), "the order in which the events of a key were done: {of_key:?}");
    }
}

async fn settle_all(handle: Handle, process: String, mut rng: Rng) {
    while row(&handle, &orders(1)).await.retry_in.is_some() {
        let partition = partition(rng.u32(0..2));
        let lease = if rng.bool() { Duration::ZERO } else { LONG };
        let granted = handle.acquire(&process, &partition, lease).await;
        let Some(grant) = granted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        for number in numbers(&handle.parked(&due(&partition, 2), 2).await) {
            let settle = vec![Settled::Done(position(number))];
            let step = Step { settle, ..parks(&partition, grant.token, []) };
            let work = Some(Script::writes(number.to_string()));
            match handle.commit(step, work).await {
                Ok(()) => {}
                Err(PortError::LeaseLost(_)) => break,
                Err(error) => panic!("an event is done, or the lease lost, found {}", told(&error)),
            }
        }
        handle.release(&partition, grant.token).await;
    }
}

/// Workers that drain and go on while the number of partitions changes again and again: no step is lost or made twice, and
/// the version is divided as it was registered last, at the highest position.
pub async fn partitions_change_while_workers_move_them(tables: Tables) {
    let [admin, here, there] = tables.handles().await;
    admin.register(&rebuilt(1, 2)).await;
    let mut random = Random::of(&tables);
    let accepted = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicU64::new(0));
    let workers = [here.clone(), there.clone(), here, there].into_iter().enumerate();
    let mut tasks: Vec<futures_util::future::BoxFuture<'static, ()>> = Vec::new();
    for (number, handle) in workers {
        let (process, rng) = (format!("process {number}"), random.fork());
        let (accepted, is_over) = (accepted.clone(), is_over.clone());
        tasks.push(Box::pin(drain(handle, process, rng, accepted, is_over)));
    }
    let (handle, over, mut rng) = (admin.clone(), is_over, random.fork());
    tasks.push(Box::pin(async move {
        for count in [3, 1, 4, 2, 3] {
            handle.register(&rebuilt(1, count)).await;
            tokio::time::sleep(Duration::from_millis(rng.u64(0..20))).await;
            let is_done = async || {
                let row = row(&handle, &orders(1)).await;
                (row.resize.is_none() && row.partitions.len() == count as usize).then_some(())
            };
            while is_done().await.is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        over.store(1, Ordering::SeqCst);
    }));
    run_together(tasks).await;
    assert_eq!(row(&admin, &orders(1)).await.partitions.len(), 3, "the partitions at the end");
    let rows = tables.rows().await;
    let accepted = accepted.load(Ordering::SeqCst);
    assert_eq!(rows.len() as u64, accepted, "rows that were written, and steps that were accepted");
}

async fn run_together(tasks: Vec<futures_util::future::BoxFuture<'static, ()>>) {
    at_once(tasks).await;
}

/// Moves partitions, to where they stop if they are to be divided, until it is over.
async fn drain(
    handle: Handle,
    process: String,
    mut rng: Rng,
    accepted: Arc<AtomicU64>,
    is_over: Arc<AtomicU64>,
) {
    while is_over.load(Ordering::SeqCst) == 0 {
        let partition = partition(rng.u32(0..4));
        let granted = handle.acquire(&process, &partition, LONG).await;
        let Some(grant) = granted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let from = grant.anchor.map_or(0, |anchor| anchor.position().get());
        let to = match grant.resize {
            Some(until) => until.0.map_or(0, |until| until.get()),
            None => from + rng.u64(1..4),
        };
        assert!(to >= from, "{partition} stops at {to}, and is at {from}");
        if to > from {
            let work = Script::writes(format!("{} {from} {to}", partition.number));
            match handle.commit(moves(&partition, grant.token, from, to), Some(work)).await {
                Ok(()) => drop(accepted.fetch_add(1, Ordering::SeqCst)),
                Err(PortError::LeaseLost(_)) => {}
                Err(error) => panic!("a step is made, or the lease lost, found {}", told(&error)),
            }
        }
        handle.release(&partition, grant.token).await;
    }
}
