use std::{error::Error, fmt, future::Future, str::FromStr, time::Duration};

use factos::{Event, QueryFor, Reactor, Recorded, SequencePosition};

use crate::partition_key::PartitionKey;

/// A consumer whose effects are outside of every transaction: mails, payments, calls, commands.
///
/// It is a [`Reactor`], the rule which effects an event has, with what a consumer needs besides. An [`EffectHandler`] carries
/// the effects out; both are run by [`Consumers::react`](crate::Consumers::react).
///
/// **Each effect is carried out at least once, and in most cases once**: again if the process ends before it is kept that it
/// was done. [`Delivery::id`] is the same each time, in every version: hand it to the receiver, which can then tell a repeat.
/// Effects of one key are carried out one after the other, in the order of the log.
///
/// A higher [`VERSION`](Self::VERSION) goes on where the one before it stands, and sends nothing again.
pub trait Reaction:
    Reactor<Event: Event + Send + Sync + 'static, Effect: Send + Sync + 'static> + Send + Sync + 'static
{
    /// Its name, the same for all of its versions.
    const NAME: &'static str;
    /// Its version.
    const VERSION: u32 = 1;

    /// The events it reacts to.
    fn query(&self) -> QueryFor<Self::Event>;

    /// What decides on the partition of an event; `None` is the first partition.
    fn key(&self, _record: &Recorded<Self::Event>) -> Option<PartitionKey> {
        None
    }
}

/// Carries out effects. One value serves all partitions, several at a time.
pub trait EffectHandler: Send + Sync + 'static {
    /// What is to be done.
    type Effect: Send + Sync + 'static;

    /// Carries out an effect. It holds no transaction, and may take as long as it takes: its lease is renewed meanwhile.
    ///
    /// A panic is an [`Outcome::Retry`].
    fn run(&self, delivery: Delivery<'_, Self::Effect>) -> impl Future<Output = Outcome> + Send;
}

/// An effect that is to be carried out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery<'a, T> {
    /// What is to be done.
    pub effect: &'a T,
    /// Which effect it is, the same each time it is tried.
    pub id: DeliveryId,
    /// How often this was tried before. It counts what is known: an attempt whose process was killed is not.
    pub attempts_before: u32,
}

impl<'a, T> Delivery<'a, T> {
    pub(crate) const fn new(effect: &'a T, id: DeliveryId, attempts_before: u32) -> Self {
        Self { effect, id, attempts_before }
    }
}

/// Which effect it is: the consumer, the event, and which of the event's effects.
///
/// As text, `name/position/index`, it is an idempotency key for the receiver. It has no version: the same effect has the same
/// id in all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// The name of the consumer.
    pub consumer: String,
    /// The position of the event.
    pub position: SequencePosition,
    /// Which of its effects, from 0.
    pub index: u32,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.consumer, self.position, self.index)
    }
}

/// A text that is no [`DeliveryId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no id of a delivery: it has the form name/position/index")]
pub struct InvalidDeliveryId(String);

impl FromStr for DeliveryId {
    type Err = InvalidDeliveryId;

    fn from_str(text: &str) -> Result<Self, InvalidDeliveryId> {
        let mut parts = text.rsplitn(3, '/');
        let index = parts.next().and_then(|index| index.parse().ok());
        let position = parts.next().and_then(|position| position.parse().ok());
        let position = position.and_then(SequencePosition::new);
        match (parts.next(), position, index) {
            (Some(consumer), Some(position), Some(index)) => {
                Ok(Self { consumer: consumer.to_owned(), position, index })
            }
            _ => Err(InvalidDeliveryId(text.to_owned())),
        }
    }
}

/// What became of an effect.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// It is not done, and may be if it is tried again.
    Retry {
        /// After which pause at least; `None` as [`Attempts`](crate::Attempts) says.
        after: Option<Duration>,
        /// Why it is not done.
        why: Box<dyn Error + Send + Sync>,
    },
    /// It cannot be done: only an administrator has it tried again.
    Dead {
        /// Why not.
        why: Box<dyn Error + Send + Sync>,
    },
}

impl Outcome {
    /// Not done, to be tried again after a pause as [`Attempts`](crate::Attempts) says.
    pub fn retry(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Retry { after: None, why: why.into() }
    }

    /// It cannot be done.
    pub fn dead(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Dead { why: why.into() }
    }
}
