use std::{error::Error, future::Future, time::Duration};

use factos::{Event, QueryFor, Recorded};

use crate::{
    orders::Orders,
    partition_key::PartitionKey,
    port::{ConsumerId, Succession, Work},
};

/// How a consumer handles events.
pub(crate) trait Handler<T>: Send + Sync + 'static {
    type Event: Event + Send + Sync + 'static;

    /// Whether several events can be handled in one step, all or none of them.
    const IS_TRANSACTIONAL: bool;
    const SUCCESSION: Succession;

    fn id(&self) -> ConsumerId;

    fn query(&self) -> QueryFor<Self::Event>;

    fn key(&self, record: &Recorded<Self::Event>) -> Option<PartitionKey>;

    /// Does what is not part of a transaction, and gives what is.
    fn prepare(
        &self,
        records: Vec<Recorded<Self::Event>>,
        place: Place,
        orders: &Orders,
    ) -> impl Future<Output = Result<Option<Box<dyn Work<T>>>, Failed>> + Send;
}

/// Where the handling of an event begins.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    /// The first of its effects that is not carried out.
    pub(crate) index: u32,
    /// How often that one was tried.
    pub(crate) attempts: u32,
}

/// An event that was not handled.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The first of its effects that is not carried out.
    pub(crate) index: u32,
    pub(crate) why: Box<dyn Error + Send + Sync>,
    pub(crate) advice: Advice,
}

/// What is to be done about a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Advice {
    /// Try again, after this pause at least.
    Retry(Option<Duration>),
    /// Only an administrator has it tried again.
    Dead,
    /// The lease may be lost: nothing was tried.
    GiveUp,
}

impl Failed {
    pub(crate) fn retryable(index: u32, why: Box<dyn Error + Send + Sync>) -> Self {
        Self { index, why, advice: Advice::Retry(None) }
    }
}
