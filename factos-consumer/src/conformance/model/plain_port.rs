//! A port over plain lists, for calls one at a time. What it grants has the tokens of the port under test.

use std::collections::{BTreeMap, BTreeSet};

use factos::{Anchor, SequencePosition};

use crate::port::{
    ConsumerId, ConsumerState, Decision, NewParked, ParkedCount, PartitionId, Registration,
    Selection, Settled, Step, Succession, Token,
};

/// A lease in this model is over at once, or never.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lease {
    pub(super) owner: String,
    pub(super) token: Token,
    pub(super) is_over: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    pub(super) anchor: Option<Anchor>,
    pub(super) lease: Option<Lease>,
    pub(super) error: Option<String>,
}

/// When an event is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Retry {
    Now,
    Later,
    Never,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) index: u32,
    pub(super) key: Option<String>,
    pub(super) slot: u64,
    pub(super) attempts: u32,
    pub(super) retry: Retry,
    pub(super) skipped: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) state: ConsumerState,
    pub(super) succession: Succession,
    /// How many partitions it was registered with.
    wanted: u32,
    pub(super) resize: Option<(u32, Option<SequencePosition>)>,
    pub(super) partitions: Vec<Partition>,
    pub(super) parked: BTreeMap<SequencePosition, Event>,
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    LeaseLost,
    Moved,
    OtherLog,
    Work,
    Unknown,
    IsLive,
    IsRetired,
    OtherKind,
}

#[derive(Clone, Debug, Default)]
pub(super) struct PlainPort {
    pub(super) versions: BTreeMap<ConsumerId, Version>,
    pub(super) processes: BTreeMap<String, Vec<ConsumerId>>,
    pub(super) rows: Vec<String>,
}

impl PlainPort {
    pub(super) fn register(
        &mut self,
        registration: &Registration,
    ) -> Result<ConsumerState, Refusal> {
        let Registration { consumer: id, partitions, succession, start } = registration;
        let mut of_name = self.versions.iter().filter(|(known, _)| known.name == id.name);
        if of_name.any(|(_, version)| version.succession != *succession) {
            return Err(Refusal::OtherKind);
        }
        if !self.versions.contains_key(id) {
            let live = self.live(&id.name);
            let takes_over = *succession == Succession::TakeOver && live.is_some();
            let is_higher = live.as_ref().is_some_and(|live| live.version < id.version);
            let state = match (&live, takes_over) {
                (None, _) => ConsumerState::Live,
                (Some(_), false) => ConsumerState::Beside,
                (Some(_), true) if is_higher => ConsumerState::Live,
                (Some(_), true) => ConsumerState::Retired,
            };
            if let (Some(live), true, ConsumerState::Live) = (live, takes_over, state) {
                self.version(&live).state = ConsumerState::Retired;
            }
            let count = if takes_over { 0 } else { *partitions as usize };
            let version = Version {
                state,
                succession: *succession,
                wanted: *partitions,
                resize: None,
                partitions: vec![
                    Partition { anchor: start.clone(), ..Partition::default() };
                    count
                ],
                parked: BTreeMap::new(),
            };
            self.versions.insert(id.clone(), version);
        }
        let version = self.version(id);
        if version.state != ConsumerState::Retired {
            version.ask_for(*partitions);
        }
        let state = version.state;
        self.finish();
        Ok(state)
    }

    /// Whether the partition is granted, under the token that the port has given.
    pub(super) fn may_acquire(&mut self, id: &PartitionId) -> bool {
        self.finish();
        let version = self.versions.get(&id.consumer);
        let version = version.filter(|version| version.state != ConsumerState::Retired);
        let partition = version.and_then(|version| version.partitions.get(id.number as usize));
        partition.is_some_and(Partition::is_free)
    }

    pub(super) fn acquire(&mut self, id: &PartitionId, lease: Lease) {
        self.version(&id.consumer).partitions[id.number as usize].lease = Some(lease);
    }

    pub(super) fn release(&mut self, id: &PartitionId, token: Token) {
        if let Some(held) = self.held(id, token) {
            held.lease = None;
        }
        self.finish();
    }

    pub(super) fn leave(&mut self, process: &str) {
        self.processes.remove(process);
        for partition in self.versions.values_mut().flat_map(|version| &mut version.partitions) {
            partition.lease.take_if(|lease| lease.owner == process);
        }
        self.finish();
    }

    /// What is lost.
    pub(super) fn beat(
        &mut self,
        process: &str,
        serves: &[ConsumerId],
        held: &[(PartitionId, Token)],
    ) -> BTreeSet<PartitionId> {
        let mut lost = BTreeSet::new();
        for (id, token) in held {
            match self.held(id, *token) {
                Some(Partition { lease: Some(lease), .. }) => lease.is_over = false,
                _ => {
                    lost.insert(id.clone());
                }
            }
        }
        self.processes.insert(process.to_owned(), serves.to_vec());
        self.finish();
        lost
    }

    pub(super) fn commit(&mut self, step: &Step, work: Result<&str, ()>) -> Result<(), Refusal> {
        let partition = self.held(&step.partition, step.token).ok_or(Refusal::LeaseLost)?;
        if let Some(advance) = &step.advance {
            let kept = partition.anchor.as_ref();
            if kept.is_some_and(|kept| kept.log_id() != advance.to.log_id()) {
                return Err(Refusal::OtherLog);
            }
            if kept.map(Anchor::position) != advance.from {
                return Err(Refusal::Moved);
            }
        }
        let row = work.map_err(|()| Refusal::Work)?;
        if let Some(advance) = &step.advance {
            partition.anchor = Some(advance.to.clone());
        }
        partition.error = None;
        let parked = &mut self.version(&step.partition.consumer).parked;
        for new in &step.park {
            parked.entry(new.position).or_insert_with(|| Event::new(new));
        }
        for settled in &step.settle {
            match settled {
                Settled::Done(position) => {
                    parked.remove(position);
                }
                Settled::Failed { position, index, failure } => {
                    if let Some(event) = parked.get_mut(position) {
                        event.index = *index;
                        event.attempts = failure.attempts;
                        event.retry = Retry::of(failure.retry_in);
                    }
                }
            }
        }
        self.rows.push(row.to_owned());
        self.finish();
        Ok(())
    }

    pub(super) fn report(&mut self, id: &PartitionId, token: Token, error: &str) {
        if let Some(held) = self.held(id, token) {
            held.error = Some(error.to_owned());
        }
    }

    pub(super) fn decide(
        &mut self,
        id: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> u64 {
        let parked = &mut self.version(id).parked;
        let waiting = parked.iter_mut().filter(|(_, event)| event.skipped.is_none());
        let meant: Vec<_> = match selection {
            Selection::At(position) => waiting.filter(|(at, _)| *at == position).collect(),
            Selection::OfKey(key) => {
                waiting.filter(|(_, event)| event.key.as_ref() == Some(key)).collect()
            }
            Selection::First(most) => waiting.take(*most as usize).collect(),
            Selection::All => waiting.collect(),
        };
        let count = meant.len() as u64;
        for (_, event) in meant {
            match decision {
                Decision::Retry => event.retry = Retry::Now,
                Decision::Skip(why) => event.skipped = Some(why.clone()),
            }
        }
        count
    }

    pub(super) fn promote(
        &mut self,
        id: &ConsumerId,
        work: Result<&str, ()>,
    ) -> Result<(), Refusal> {
        let target = self.versions.get(id).ok_or(Refusal::Unknown)?;
        let takes_over = target.succession == Succession::TakeOver;
        if !takes_over && target.state == ConsumerState::Retired {
            return Err(Refusal::IsRetired);
        }
        let row = work.map_err(|()| Refusal::Work)?;
        if let Some(live) = self.live(&id.name).filter(|live| live != id) {
            let next = if takes_over { ConsumerState::Retired } else { ConsumerState::Beside };
            self.version(&live).state = next;
        }
        self.version(id).state = ConsumerState::Live;
        self.rows.push(row.to_owned());
        self.finish();
        Ok(())
    }

    pub(super) fn retire(&mut self, id: &ConsumerId) -> Result<(), Refusal> {
        let version = self.versions.get_mut(id).ok_or(Refusal::Unknown)?;
        match version.state {
            ConsumerState::Live => Err(Refusal::IsLive),
            ConsumerState::Retired => Ok(()),
            ConsumerState::Beside => {
                version.state = ConsumerState::Retired;
                version.partitions.clear();
                version.parked.clear();
                version.resize = None;
                Ok(())
            }
        }
    }

    /// The token of the present lease.
    pub(super) fn token(&self, id: &PartitionId) -> Option<Token> {
        let partition = self.versions.get(&id.consumer)?.partitions.get(id.number as usize)?;
        Some(partition.lease.as_ref()?.token)
    }

    fn version(&mut self, id: &ConsumerId) -> &mut Version {
        self.versions.get_mut(id).unwrap()
    }

    fn held(&mut self, id: &PartitionId, token: Token) -> Option<&mut Partition> {
        let version = self.versions.get_mut(&id.consumer)?;
        let partition = version.partitions.get_mut(id.number as usize)?;
        let holds = partition.lease.as_ref().is_some_and(|lease| lease.token == token);
        holds.then_some(partition)
    }

    fn live(&self, name: &str) -> Option<ConsumerId> {
        let of_name = self.versions.iter().filter(|(id, _)| id.name == name);
        let mut live = of_name.filter(|(_, version)| version.state == ConsumerState::Live);
        live.next().map(|(id, _)| id.clone())
    }

    /// Ends what waits for leases to be free.
    fn finish(&mut self) {
        let names: BTreeSet<_> = self.versions.keys().map(|id| id.name.clone()).collect();
        for name in names {
            if let Some(live) = self.live(&name) {
                self.hand_over_to(&live);
            }
        }
        self.versions.values_mut().for_each(Version::finish);
    }

    fn hand_over_to(&mut self, live: &ConsumerId) {
        let has_some = |id: &ConsumerId, version: &Version| {
            id.name == live.name
                && version.state == ConsumerState::Retired
                && !version.partitions.is_empty()
        };
        if !self.versions[live].partitions.is_empty() {
            return;
        }
        let mut from = self.versions.iter_mut().filter(|(id, version)| has_some(id, version));
        let Some((_, from)) = from.next() else { return };
        if !from.partitions.iter().all(Partition::is_free) {
            return;
        }
        let mut partitions = std::mem::take(&mut from.partitions);
        let (parked, resize) = (std::mem::take(&mut from.parked), from.resize.take());
        partitions.iter_mut().for_each(|partition| partition.lease = None);
        let live = self.version(live);
        (live.partitions, live.parked, live.resize) = (partitions, parked, resize);
        live.ask_for(live.wanted);
    }
}

impl Version {
    fn ask_for(&mut self, wanted: u32) {
        self.wanted = wanted;
        if self.partitions.is_empty() {
            return;
        }
        if self.partitions.len() == wanted as usize {
            self.resize = None;
        } else if self.resize.is_none_or(|(partitions, _)| partitions != wanted) {
            self.resize = Some((wanted, self.highest().map(|anchor| anchor.position())));
            self.partitions.iter_mut().for_each(|partition| partition.lease = None);
        }
    }

    fn finish(&mut self) {
        let Some((wanted, until)) = self.resize else { return };
        let is_drained = |partition: &Partition| {
            partition.is_free() && partition.anchor.as_ref().map(Anchor::position) >= until
        };
        if !self.partitions.is_empty() && self.partitions.iter().all(is_drained) {
            let partition = Partition { anchor: self.highest(), ..Partition::default() };
            self.partitions = vec![partition; wanted as usize];
            self.resize = None;
        }
    }

    fn highest(&self) -> Option<Anchor> {
        let anchors = self.partitions.iter().filter_map(|partition| partition.anchor.clone());
        anchors.max_by_key(Anchor::position)
    }

    /// The keys that wait in a partition, sorted.
    pub(super) fn blocked(&self, number: u32) -> Vec<String> {
        let here = self.waiting().filter(|(_, event)| self.is_in(event, number));
        let keys = here.filter_map(|(_, event)| event.key.clone());
        keys.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What is to be tried now in a partition.
    pub(super) fn due(&self, number: u32) -> Vec<u64> {
        let due = self
            .first()
            .filter(|(_, event)| event.retry == Retry::Now && self.is_in(event, number));
        due.map(|(at, _)| at.get()).collect()
    }

    fn is_in(&self, event: &Event, number: u32) -> bool {
        event.slot % self.partitions.len().max(1) as u64 == u64::from(number)
    }

    /// What was not skipped.
    fn waiting(&self) -> impl Iterator<Item = (&SequencePosition, &Event)> {
        self.parked.iter().filter(|(_, event)| event.skipped.is_none())
    }

    /// Of that, what waits behind nothing.
    fn first(&self) -> impl Iterator<Item = (&SequencePosition, &Event)> {
        let mut seen = BTreeSet::new();
        self.waiting()
            .filter(move |(_, event)| event.key.as_ref().is_none_or(|key| seen.insert(key.clone())))
    }

    pub(super) fn count(&self) -> ParkedCount {
        let mut count = ParkedCount::default();
        for event in self.parked.values() {
            match event {
                Event { skipped: Some(_), .. } => count.skipped += 1,
                Event { retry: Retry::Never, .. } => count.dead += 1,
                _ => count.waiting += 1,
            }
        }
        count
    }

    /// When the next event is tried again.
    pub(super) fn next_retry(&self) -> Retry {
        self.first().map(|(_, event)| event.retry).min().unwrap_or(Retry::Never)
    }
}

impl Partition {
    fn is_free(&self) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.is_over)
    }
}

impl Retry {
    pub(super) fn of(retry_in: Option<std::time::Duration>) -> Self {
        match retry_in {
            None => Self::Never,
            Some(pause) if pause.is_zero() => Self::Now,
            Some(_) => Self::Later,
        }
    }
}

impl Event {
    fn new(new: &NewParked) -> Self {
        Self {
            index: new.index,
            key: new.key.clone(),
            slot: new.slot,
            attempts: new.failure.attempts,
            retry: Retry::of(new.failure.retry_in),
            skipped: None,
        }
    }
}
