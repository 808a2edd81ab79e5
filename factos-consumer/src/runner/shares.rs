//! Which partitions a process leases and gives back, so that the load spreads without a leader.

use std::collections::{BTreeMap, BTreeSet};

use crate::port::{PartitionId, ProcessId, Snapshot};

/// What a process is to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) take: Vec<PartitionId>,
    pub(crate) give: Vec<PartitionId>,
}

/// What this process is to do, by what all processes see.
///
/// Each free partition goes to the process with the fewest among those that serve its consumer: every process comes to the
/// same result, so that they do not get in one another's way. One that is `overdue` is taken in any case. A
/// process gives back what another one could have and still not have more than it has itself.
pub(crate) fn shares(
    me: &ProcessId,
    snapshot: &Snapshot,
    held: &BTreeSet<PartitionId>,
    mut overdue: impl FnMut(&PartitionId) -> bool,
) -> Shares {
    let mut loads = loads(me, snapshot, held);
    let mut shares = Shares::default();
    for partition in free(snapshot).filter(|partition| !held.contains(partition)) {
        let Some(next) = idlest(&partition, snapshot, &loads) else { continue };
        let is_mine = next == *me;
        if is_mine || overdue(&partition) {
            shares.take.push(partition);
        }
        *loads.entry(next).or_default() += 1;
    }
    for partition in held.iter().rev() {
        let Some(next) = idlest(partition, snapshot, &loads) else { continue };
        let load = |process: &ProcessId| loads.get(process).copied().unwrap_or_default();
        if load(&next) + 2 <= load(me) {
            shares.give.push(partition.clone());
            *loads.entry(next).or_default() += 1;
            *loads.entry(me.clone()).or_default() -= 1;
        }
    }
    shares
}

/// Whether nobody has the lease of a partition.
pub(crate) fn is_free(snapshot: &Snapshot, id: &PartitionId) -> bool {
    free(snapshot).any(|free| free == *id)
}

fn free(snapshot: &Snapshot) -> impl Iterator<Item = PartitionId> {
    snapshot.consumers.iter().flat_map(|row| {
        let free = row.partitions.iter().filter(|partition| partition.owner.is_none());
        free.map(|partition| PartitionId {
            consumer: row.consumer.clone(),
            number: partition.number,
        })
    })
}

/// How many partitions each process has.
fn loads(
    me: &ProcessId,
    snapshot: &Snapshot,
    held: &BTreeSet<PartitionId>,
) -> BTreeMap<ProcessId, usize> {
    let mut loads = BTreeMap::new();
    let partitions = snapshot.consumers.iter().flat_map(|row| &row.partitions);
    for owner in partitions.filter_map(|partition| partition.owner.as_ref()) {
        *loads.entry(owner.clone()).or_default() += 1;
    }
    loads.insert(me.clone(), held.len());
    loads
}

/// The process with the fewest partitions among those that serve the consumer.
fn idlest(
    partition: &PartitionId,
    snapshot: &Snapshot,
    loads: &BTreeMap<ProcessId, usize>,
) -> Option<ProcessId> {
    let serving = snapshot.processes.iter().filter(|it| it.serves.contains(&partition.consumer));
    let load = |process: &ProcessId| loads.get(process).copied().unwrap_or_default();
    let processes = serving.map(|it| &it.process);
    processes.min_by_key(|process| (load(process), (*process).clone())).cloned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::port::{
        ConsumerId, ConsumerRow, ConsumerState, LiveProcess, PartitionRow, Succession,
    };

    /// Processes with what they serve and hold, which give their signs of life in turn.
    struct Cluster {
        owners: BTreeMap<PartitionId, Option<ProcessId>>,
        processes: BTreeMap<ProcessId, Vec<ConsumerId>>,
    }

    impl Cluster {
        fn new(consumers: u32, partitions: u32) -> Self {
            let ids = (0..consumers).flat_map(|consumer| {
                let id = ConsumerId::new(format!("c{consumer}"), 1);
                (0..partitions).map(move |number| PartitionId { consumer: id.clone(), number })
            });
            Self { owners: ids.map(|id| (id, None)).collect(), processes: BTreeMap::new() }
        }

        fn consumers(&self) -> Vec<ConsumerId> {
            self.owners
                .keys()
                .map(|id| id.consumer.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect()
        }

        fn start(&mut self, process: &str, serves: Vec<ConsumerId>) {
            self.processes.insert(ProcessId(process.to_owned()), serves);
        }

        fn end(&mut self, process: &str) {
            let process = ProcessId(process.to_owned());
            self.processes.remove(&process);
            self.owners
                .values_mut()
                .filter(|it| **it == Some(process.clone()))
                .for_each(|it| *it = None);
        }

        fn snapshot(&self, me: &ProcessId) -> Snapshot {
            let row = |consumer: &ConsumerId| ConsumerRow {
                consumer: consumer.clone(),
                state: ConsumerState::Live,
                succession: Succession::Rebuild,
                resize: None,
                partitions: self
                    .owners
                    .iter()
                    .filter(|(id, _)| id.consumer == *consumer)
                    .map(|(id, owner)| PartitionRow {
                        number: id.number,
                        owner: owner.clone(),
                        free_in: Duration::ZERO,
                        position: None,
                        error: None,
                    })
                    .collect(),
                retry_in: None,
            };
            let processes = self.processes.iter();
            Snapshot {
                processes: processes
                    .map(|(process, serves)| LiveProcess {
                        process: process.clone(),
                        serves: serves.clone(),
                    })
                    .collect(),
                consumers: self.processes[me].iter().map(row).collect(),
                lost: Vec::new(),
            }
        }

        /// Each process gives a sign of life; whether anything changed.
        fn round(&mut self) -> bool {
            let mut has_changed = false;
            for me in self.processes.keys().cloned().collect::<Vec<_>>() {
                let owned = self.owners.iter().filter(|(_, owner)| **owner == Some(me.clone()));
                let held: BTreeSet<_> = owned.map(|(id, _)| id.clone()).collect();
                let Shares { take, give } = shares(&me, &self.snapshot(&me), &held, |_| false);
                has_changed |= !take.is_empty() || !give.is_empty();
                for id in give {
                    self.owners.insert(id, None);
                }
                for id in take {
                    assert_eq!(self.owners.insert(id, Some(me.clone())), Some(None));
                }
            }
            has_changed
        }

        fn settle(&mut self) -> Vec<usize> {
            // What one process gives back the others take with their next signs of life.
            let rounds = (0..20).take_while(|_| self.round()).count();
            assert!(rounds <= 4, "{rounds} rounds");
            let load = |process: &ProcessId| {
                self.owners.values().filter(|owner| owner.as_ref() == Some(process)).count()
            };
            self.processes.keys().map(load).collect()
        }
    }

    #[test]
    fn fifty_consumers_spread_over_processes_that_come_and_go() {
        let mut cluster = Cluster::new(50, 1);
        cluster.start("a", cluster.consumers());
        assert_eq!(cluster.settle(), [50]);
        cluster.start("b", cluster.consumers());
        cluster.start("c", cluster.consumers());
        let mut loads = cluster.settle();
        loads.sort_unstable();
        assert_eq!(loads, [16, 17, 17]);
        cluster.end("b");
        assert_eq!(cluster.settle(), [25, 25]);
    }

    #[test]
    fn a_partition_goes_to_a_process_that_serves_it_however_much_that_has() {
        let mut cluster = Cluster::new(2, 10);
        let consumers = cluster.consumers();
        cluster.start("a", vec![consumers[0].clone()]);
        cluster.start("b", vec![consumers[1].clone()]);
        cluster.start("c", consumers[..1].to_vec());
        let loads = cluster.settle();
        assert_eq!((loads[0] + loads[2], loads[1]), (10, 10));
        assert!(loads[0].abs_diff(loads[2]) <= 1, "{loads:?}");
    }

    #[test]
    fn what_another_process_leaves_lying_is_taken() {
        let mut cluster = Cluster::new(1, 4);
        cluster.start("a", cluster.consumers());
        cluster.start("hangs", cluster.consumers());
        let me = ProcessId("a".to_owned());
        let shares = shares(&me, &cluster.snapshot(&me), &BTreeSet::new(), |_| true);
        assert_eq!(shares.take.len(), 4);
    }

    #[test]
    fn random_clusters_settle_evenly() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut cluster = Cluster::new(random.u32(1..10), random.u32(1..10));
            for process in 0..random.u32(1..8) {
                cluster.start(&process.to_string(), cluster.consumers());
                if random.bool() {
                    cluster.settle();
                }
            }
            let loads = cluster.settle();
            let (least, most) = (loads.iter().min(), loads.iter().max());
            assert!(
                most.zip(least).is_some_and(|(most, least)| most - least <= 1),
                "seed {seed}: {loads:?}"
            );
            assert!(cluster.owners.values().all(Option::is_some), "seed {seed}");
        }
    }
}
