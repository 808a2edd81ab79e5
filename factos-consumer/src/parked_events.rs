use std::sync::Arc;

use factos::SequencePosition;
use tokio::sync::Notify;

use crate::port::{
    ConsumerId, Decision, Parked, ParkedCount, ParkedQuery, Port, PortError, Selection,
};

/// The parked events of a version, for an administrator.
///
/// Made by [`Consumers::parked`](crate::Consumers::parked). Nothing here moves a partition, and what is decided is kept whether or
/// not a process runs the consumer: the process that has the partition carries it out, one event of a key after the other, and
/// goes on after a crash with what is left.
#[derive(Debug, Clone)]
pub struct ParkedEvents<P> {
    port: P,
    consumer: ConsumerId,
    kick: Arc<Notify>,
}

impl<P: Port> ParkedEvents<P> {
    pub(crate) const fn new(port: P, consumer: ConsumerId, kick: Arc<Notify>) -> Self {
        Self { port, consumer, kick }
    }

    /// Whose they are.
    #[must_use]
    pub const fn consumer(&self) -> &ConsumerId {
        &self.consumer
    }

    /// At most so many of them after a position, in the order of the log, with the reason of each. Those that were skipped are
    /// among them.
    ///
    /// # Errors
    /// [`PortError`].
    pub async fn list(
        &self,
        after: Option<SequencePosition>,
        most: u32,
    ) -> Result<Vec<Parked>, PortError> {
        let consumer = self.consumer.clone();
        self.port.parked(&ParkedQuery::Listed { consumer, after }, most).await
    }

    /// How many there are.
    ///
    /// # Errors
    /// [`PortError`].
    pub async fn count(&self) -> Result<ParkedCount, PortError> {
        self.port.count_parked(&self.consumer).await
    }

    /// Has them tried again, whatever their attempts, and tells how many. Those of a key come one after the other.
    ///
    /// # Errors
    /// [`PortError`].
    pub async fn retry(&self, which: &Selection) -> Result<u64, PortError> {
        self.decide(which, &Decision::Retry).await
    }

    /// Has them never handled, and later events of their keys go on, and tells how many. They stay listed, with this
    /// reason.
    ///
    /// # Errors
    /// [`PortError`].
    pub async fn skip(
        &self,
        which: &Selection,
        reason: impl Into<String>,
    ) -> Result<u64, PortError> {
        self.decide(which, &Decision::Skip(reason.into())).await
    }

    async fn decide(&self, which: &Selection, decision: &Decision) -> Result<u64, PortError> {
        let count = self.port.decide(&self.consumer, which, decision).await?;
        self.kick.notify_waiters();
        Ok(count)
    }
}
