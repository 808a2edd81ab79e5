use std::{panic::resume_unwind, sync::Arc};

use tokio::{
    sync::Barrier,
    task::{JoinError, JoinHandle},
};

/// Starts the tasks at the same moment, and returns their results in order.
pub(super) async fn at_once<T, Fut>(tasks: impl IntoIterator<Item = Fut>) -> Vec<T>
where
    T: Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = tasks.into_iter().collect();
    let start = Arc::new(Barrier::new(tasks.len()));
    let running: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        results.push(ended(task).await);
    }
    results
}

/// What a task came to. Panics as the task did, so that what it said is what the case says.
pub(super) async fn ended<T>(task: JoinHandle<T>) -> T {
    task.await.unwrap_or_else(rethrown)
}

fn rethrown<T>(failed: JoinError) -> T {
    match failed.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(failed) => panic!("a task did not come to its end: {failed}"),
    }
}
