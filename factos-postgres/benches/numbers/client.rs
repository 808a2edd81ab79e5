use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

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

/// Clients that are at work.
#[derive(Debug)]
pub(crate) struct Running {
    progress: Arc<Progress>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(clients: usize, client: &Client) -> Self {
        let progress = Arc::new(Progress::default());
        let tasks = (0..clients).map(|n| tokio::spawn(client(n, Arc::clone(&progress)))).collect();
        Self { progress, tasks }
    }

    /// What they get done in a second.
    pub(crate) async fn speed(&self, slice: Duration) -> f64 {
        let (before, begun) = (self.progress.done.load(Ordering::Relaxed), Instant::now());
        tokio::time::sleep(slice).await;
        let (after, elapsed) = (self.progress.done.load(Ordering::Relaxed), begun.elapsed());
        (after - before) as f64 / elapsed.as_secs_f64()
    }

    pub(crate) async fn stop(self) {
        self.progress.over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// What the clients get done in a second, after a short start.
pub(crate) async fn run(clients: usize, slice: Duration, client: Client) -> f64 {
    let running = Running::start(clients, &client);
    tokio::time::sleep(Duration::from_millis(150)).await;
    let speed = running.speed(slice).await;
    running.stop().await;
    speed
}
