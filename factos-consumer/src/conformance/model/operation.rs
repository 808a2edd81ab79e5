use std::time::Duration;

use factos::{Anchor, EventId};

use super::plain_port::PlainPort;
use crate::{
    conformance::{
        random::Random,
        sample_values::{HOUR, LOG, anchor, failure, position},
    },
    port::{
        Advance, ConsumerId, Decision, NewParked, PartitionId, Registration, Selection, Settled,
        Step, Succession, Token,
    },
};

const KEYS: [&str; 3] = ["x", "y", "z"];

/// One call of a random list.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Register(Registration),
    Acquire { process: String, partition: PartitionId, is_over: bool },
    Release(PartitionId, Token),
    Leave(String),
    Beat { process: String, serves: Vec<ConsumerId>, held: Vec<(PartitionId, Token)> },
    Commit { step: Step, work_fails: bool },
    Report(PartitionId, Token, String),
    Decide(ConsumerId, Selection, Decision),
    Promote { consumer: ConsumerId, work_fails: bool },
    Retire(ConsumerId),
}

/// Makes operations that mostly do something: what they name is mostly there.
pub(super) struct Operations<'a> {
    random: &'a mut Random,
    /// Every token that was given, with its partition.
    pub(super) given: Vec<(PartitionId, Token)>,
}

impl<'a> Operations<'a> {
    pub(super) const fn new(random: &'a mut Random) -> Self {
        Self { random, given: Vec::new() }
    }

    pub(super) fn next(&mut self, plain: &PlainPort) -> Operation {
        match self.random.within(0..=99) {
            _ if plain.versions.is_empty() => self.register(),
            0..=9 => self.register(),
            10..=29 => Operation::Acquire {
                process: self.process(),
                partition: self.partition(plain),
                is_over: self.random.once_in(3),
            },
            30..=35 => {
                let (partition, token) = self.lease(plain);
                Operation::Release(partition, token)
            }
            36..=37 => Operation::Leave(self.process()),
            38..=47 => self.beat(plain),
            48..=79 => self.commit(plain),
            80..=83 => {
                let (partition, token) = self.lease(plain);
                Operation::Report(partition, token, format!("error {}", self.random.within(1..=9)))
            }
            84..=91 => Operation::Decide(self.version(plain), self.selection(), self.decision()),
            92..=97 => Operation::Promote {
                consumer: self.version(plain),
                work_fails: self.random.once_in(5),
            },
            _ => Operation::Retire(self.version(plain)),
        }
    }

    fn register(&mut self) -> Operation {
        let (consumer, mut succession) = self.consumer();
        if self.random.once_in(12) {
            succession = match succession {
                Succession::Rebuild => Succession::TakeOver,
                Succession::TakeOver => Succession::Rebuild,
            };
        }
        let start = self.random.once_in(3).then(|| u64::from(self.random.within(1..=9)));
        Operation::Register(Registration {
            consumer,
            partitions: self.random.within(1..=4),
            succession,
            start: start.map(anchor),
        })
    }

    /// A version that there may be.
    fn consumer(&mut self) -> (ConsumerId, Succession) {
        let takes_over = self.random.once_in(2);
        let name = if takes_over { "mails" } else { "orders" };
        let succession = if takes_over { Succession::TakeOver } else { Succession::Rebuild };
        (ConsumerId::new(name, self.random.within(1..=3)), succession)
    }

    /// A version that there is.
    fn version(&mut self, plain: &PlainPort) -> ConsumerId {
        let versions: Vec<_> = plain.versions.keys().cloned().collect();
        self.random.one_of(&versions).unwrap()
    }

    fn process(&mut self) -> String {
        format!("process {}", self.random.within(1..=3))
    }

    /// A partition that there is, or the one past the last.
    fn partition(&mut self, plain: &PlainPort) -> PartitionId {
        let consumer = self.version(plain);
        let count = plain.versions[&consumer].partitions.len();
        let past = u32::from(self.random.once_in(10));
        let last = u32::try_from(count).unwrap().saturating_sub(1);
        let number = self.random.within(0..=last) + past;
        PartitionId { consumer, number }
    }

    /// A lease: mostly the present one of a partition.
    fn lease(&mut self, plain: &PlainPort) -> (PartitionId, Token) {
        let present = self.given.iter().filter(|(id, token)| plain.token(id) == Some(*token));
        let present: Vec<_> = present.cloned().collect();
        let of = if self.random.once_in(4) { &self.given } else { &present };
        let none = || (PartitionId { consumer: ConsumerId::new("nobody", 1), number: 0 }, Token(1));
        self.random.one_of(of).unwrap_or_else(none)
    }

    fn beat(&mut self, plain: &PlainPort) -> Operation {
        let mut serves = vec![self.consumer().0, self.version(plain)];
        serves.dedup();
        let mut held: Vec<_> = (0..self.random.within(0..=3)).map(|_| self.lease(plain)).collect();
        held.sort();
        held.dedup_by(|one, other| one.0 == other.0);
        Operation::Beat { process: self.process(), serves, held }
    }

    fn commit(&mut self, plain: &PlainPort) -> Operation {
        let (partition, token) = self.lease(plain);
        let version = plain.versions.get(&partition.consumer);
        let kept = version.and_then(|version| version.partitions.get(partition.number as usize));
        let kept = kept.and_then(|partition| partition.anchor.clone());
        let mut step = Step::new(partition, token);
        let mut is_refused = false;
        if !self.random.once_in(3) {
            let from = kept.as_ref().map(Anchor::position);
            let to = from.map_or(0, |from| from.get()) + u64::from(self.random.within(1..=10));
            let is_other = kept.is_some() && self.random.once_in(15);
            let log = if is_other { "another log" } else { LOG };
            let is_elsewhere = !is_other && self.random.once_in(8);
            is_refused = is_other || is_elsewhere;
            let from = if is_elsewhere { Some(position(to)) } else { from };
            step.advance =
                Some(Advance { from, to: Anchor::new(log, position(to), EventId::new()) });
        }
        step.park = (0..self.random.within(0..=2)).map(|_| self.new_parked()).collect();
        step.settle = (0..self.random.within(0..=2)).map(|_| self.settled()).collect();
        Operation::Commit { step, work_fails: !is_refused && self.random.once_in(8) }
    }

    fn new_parked(&mut self) -> NewParked {
        let key = if self.random.once_in(3) { None } else { self.random.one_of(&KEYS) };
        let of_key = key.and_then(|key| KEYS.iter().position(|other| *other == key));
        let slot = of_key.map_or_else(|| self.random.within(0..=20), |at| 7 * at as u32);
        NewParked {
            position: position(u64::from(self.random.within(1..=20))),
            index: self.random.within(0..=3),
            key: key.map(ToOwned::to_owned),
            slot: u64::from(slot),
            failure: failure(self.random.within(0..=5), self.retry_in()),
        }
    }

    fn settled(&mut self) -> Settled {
        let position = position(u64::from(self.random.within(1..=20)));
        if self.random.once_in(2) {
            return Settled::Done(position);
        }
        let failure = failure(self.random.within(1..=5), self.retry_in());
        Settled::Failed { position, index: self.random.within(0..=3), failure }
    }

    fn retry_in(&mut self) -> Option<Duration> {
        self.random.one_of(&[None, Some(Duration::ZERO), Some(HOUR)]).flatten()
    }

    fn selection(&mut self) -> Selection {
        match self.random.within(0..=3) {
            0 => Selection::At(position(u64::from(self.random.within(1..=20)))),
            1 => Selection::OfKey(self.random.one_of(&KEYS).unwrap().to_owned()),
            2 => Selection::First(self.random.within(0..=3)),
            _ => Selection::All,
        }
    }

    fn decision(&mut self) -> Decision {
        let skip = Decision::Skip(format!("reason {}", self.random.within(1..=9)));
        self.random.one_of(&[Decision::Retry, skip]).unwrap()
    }
}
