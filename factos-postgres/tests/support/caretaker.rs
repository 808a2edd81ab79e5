//! A runtime and connections that all tests of a program share, to look after their logs: a connection costs more than
//! what is sent on it, and one that a case opens ends with the runtime of the case.

use std::{
    sync::{LazyLock, mpsc},
    time::Duration,
};

use factos_postgres::sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{
    runtime::{Builder, Handle, Runtime, RuntimeFlavor},
    task::block_in_place,
};

use crate::support::url;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

static POOL: LazyLock<PgPool> = LazyLock::new(|| {
    let _entered = RUNTIME.enter();
    let options = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(60));
    options.connect_lazy(&url()).unwrap()
});

/// The result of the work, which may be awaited in any runtime.
pub(crate) async fn run<T, F>(work: impl FnOnce(&'static PgPool) -> F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    RUNTIME.spawn(work(&POOL)).await.unwrap()
}

/// The same for a thread that may be running a runtime, and must not go on meanwhile.
pub(crate) fn wait_for<T, F>(work: impl FnOnce(&'static PgPool) -> F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (sender, result) = mpsc::channel();
    let work = work(&POOL);
    RUNTIME.spawn(async move { sender.send(work.await) });
    let wait = || result.recv().unwrap();
    // The connections that are to end are tasks, which may be queued behind this one.
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(wait),
        _ => wait(),
    }
}
