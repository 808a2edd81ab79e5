use std::{error::Error, future::Future};

use factos::{Event, QueryFor, Recorded};

use crate::partition_key::PartitionKey;

/// A consumer that writes in the transaction in which its position is kept: each event counts exactly once, whatever
/// fails, if everything it changes is changed through that transaction.
///
/// Run by [`Consumers::project`](crate::Consumers::project). One value serves all partitions, several at a time.
///
/// # What it must keep to
/// - **Only the transaction.** What it changes elsewhere is changed again after a rollback.
/// - **Short.** The transaction holds locks. It reads nothing from the log and calls nobody.
/// - **The key is a function of the event** alone, and the same in all processes. Events of one key come in the order of the
///   log.
/// - **A version whose query, key or tables are others is another [`VERSION`](Self::VERSION)**, with tables of its own: it is
///   built beside the one before it, and then [promoted](crate::Consumers::promote).
pub trait Projection: Send + Sync + 'static {
    /// What it makes its read model of.
    type Event: Event + Send + Sync + 'static;
    /// The transaction it writes in: that of the [`Port`](crate::port::Port).
    type Tx: Send;
    /// Why it cannot handle events.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Its name, the same for all of its versions.
    const NAME: &'static str;
    /// Its version.
    const VERSION: u32 = 1;

    /// The events it is made of.
    fn query(&self) -> QueryFor<Self::Event>;

    /// What decides on the partition of an event; `None` is the first partition.
    fn key(&self, _record: &Recorded<Self::Event>) -> Option<PartitionKey> {
        None
    }

    /// Writes what these events change, one or more of them, in the order of the log.
    ///
    /// An error or a panic rolls back the transaction. Events that came together then come one by one, to tell which
    /// one it was, and what becomes of that one [`OnError`](crate::OnError) says.
    fn apply(
        &self,
        tx: &mut Self::Tx,
        records: &[Recorded<Self::Event>],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
