use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;

/// One client's endless work: counts what it gets done until it is told to stop.
pub(crate) type Client = Box<dyn Fn(usize, Arc<Progress>) -> BoxFuture<'static, ()>>;

/// What all clients have done, and whether they go on.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicU64,
    over: AtomicBool,
}

impl Progress {
    pub(crate) fn add(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

/// What the clients get done in a second, after a short start.
pub(crate) async fn run(clients: usize, slice: Duration, client: Client) -> f64 {
    let progress = Arc::new(Progress::default());
    let tasks: Vec<_> =
        (0..clients).map(|n| tokio::spawn(client(n, Arc::clone(&progress)))).collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let (before, begun) = (progress.done.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(slice).await;
    let (after, elapsed) = (progress.done.load(Ordering::Relaxed), begun.elapsed());
    progress.over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    (after - before) as f64 / elapsed.as_secs_f64()
}
