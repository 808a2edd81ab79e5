use std::{error::Error, time::Duration};

use futures_util::future::BoxFuture;

use crate::port::Port;

/// Tables that one case runs on, and how to open the port on them.
pub trait PortFixture: Sized + Send + Sync + 'static {
    /// The port under test.
    type Port: Port;

    /// How many lists of operations each case of [`model`](super::model) runs. `FACTOS_CONFORMANCE_CASES` replaces it.
    const MODEL_CASES: u32 = 12;

    /// The seed of random inputs, for a fixture whose every run must use the same inputs. By default each run takes a
    /// new seed.
    const SEED: Option<u64> = None;

    /// How long no call of a case may end before it counts as hanging. A case that goes on may take as long as it
    /// likes. `FACTOS_PATIENCE` multiplies it.
    const PATIENCE: Duration = Duration::from_secs(120);

    /// Whether work may wait for something while its transaction is open. Where it may not, as one thread runs the work of
    /// all, the cases have it hold up that thread.
    const WORK_MAY_WAIT: bool = true;

    /// Tables that are empty, and that no other fixture shares. Dropping the fixture cleans up.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// Another handle on the same tables, opened as another process would open it.
    fn connect(&self) -> impl Future<Output = Self::Port> + Send;

    /// Inserts a row into the fixture's own table, within the transaction.
    fn write<'t>(
        tx: &'t mut <Self::Port as Port>::Tx,
        row: &'t str,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>>;

    /// The rows that are committed, in the order of their insertion.
    fn rows(&self) -> impl Future<Output = Vec<String>> + Send;
}
