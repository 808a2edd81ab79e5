use std::{error::Error, time::Duration};

use factos::{Anchor, SequencePosition};
use futures_util::future::BoxFuture;

use super::lease::{PartitionId, Token};

/// What one transaction of a partition changes, besides what the consumer itself writes. All of it, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which partition.
    pub partition: PartitionId,
    /// That of its lease. With another token nothing is changed.
    pub token: Token,
    /// Where it moves to.
    pub advance: Option<Advance>,
    /// Events that are parked.
    pub park: Vec<NewParked>,
    /// What became of events that had been parked.
    pub settle: Vec<Settled>,
}

impl Step {
    /// A step that changes nothing yet.
    #[must_use]
    pub const fn new(partition: PartitionId, token: Token) -> Self {
        Self { partition, token, advance: None, park: Vec::new(), settle: Vec::new() }
    }
}

/// A move of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// Where it must be.
    pub from: Option<SequencePosition>,
    /// Where it is then.
    pub to: Anchor,
}

/// An event that is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewParked {
    /// The event.
    pub position: SequencePosition,
    /// The first of its effects that is not carried out.
    pub index: u32,
    /// Its key, if later events of the key wait behind it.
    pub key: Option<String>,
    /// What decides on its partition; see [`PartitionKey::slot`](crate::PartitionKey::slot).
    pub slot: u64,
    /// How it goes on.
    pub failure: Failure,
}

/// How an event stands that is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How often it was tried; 0 if it waits behind another one.
    pub attempts: u32,
    /// Why it is parked.
    pub reason: String,
    /// In how long it is tried again; `None` if only an administrator has it tried again.
    pub retry_in: Option<Duration>,
}

/// What became of an event that had been parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is done with, and parked no more.
    Done(SequencePosition),
    /// It failed again.
    Failed {
        /// The event.
        position: SequencePosition,
        /// The first of its effects that is not carried out.
        index: u32,
        /// How it goes on.
        failure: Failure,
    },
}

/// What a consumer writes in the transaction of a step.
///
/// A port may refuse work that waits for something other than its transaction.
pub trait Work<T>: Send + 'static {
    /// Writes. The transaction is rolled back if this fails.
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut T,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>>;
}
