use std::{panic::resume_unwind, pin::pin, sync::Arc, time::Instant};

use tokio::{sync::Barrier, task::JoinError};

use super::{
    fixture::Fixture,
    progress::{Progress, bound},
};
use crate::{events::Page, store::EventStore};

/// The rule of those who try again until they are accepted.
pub(super) const REFUSED_TOO_OFTEN: &str = "an append is refused only if another was accepted";

/// Several handles on one log.
pub(super) async fn handles<F: Fixture>(log: &F, count: usize) -> Vec<Arc<dyn EventStore>> {
    let mut handles: Vec<Arc<dyn EventStore>> = Vec::with_capacity(count);
    for _ in 0..count {
        handles.push(Arc::new(log.connect().await));
    }
    handles
}

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
        results.push(task.await.unwrap_or_else(rethrown));
    }
    results
}

/// Panics as the task did, so that what it said is what the case says.
pub(super) fn rethrown<T>(failed: JoinError) -> T {
    match failed.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(failed) => panic!("a task did not come to its end: {failed}"),
    }
}

/// Asserts that tasks ran beside one another: that the events which they appended alternate more often
/// than if one task after the other had run.
pub(super) fn assert_alternate(appended: &[Page]) {
    assert!(
        alternate(appended),
        "tasks append beside one another, and {} tasks did one after the other",
        appended.len()
    );
}

/// Whether the events which tasks appended alternate so often.
pub(super) fn alternate(appended: &[Page]) -> bool {
    let of_task = |(task, page): (usize, &Page)| -> Vec<_> {
        page.iter().map(|record| (record.position, task)).collect()
    };
    let mut order: Vec<_> = appended.iter().enumerate().flat_map(of_task).collect();
    order.sort_unstable();
    let changes = order.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    changes >= appended.len()
}

/// The result of the future, which must be ready within [`Fixture::SOON`] from the last call of the case that ended.
pub(super) async fn soon<F: Fixture, T>(what: &str, future: impl Future<Output = T>) -> T {
    soon_within::<F, _>(u64::MAX, what, future).await
}

/// The same of a future that calls the store itself, again and again: as [`soon`], and not after more than so many calls
/// of the case once [`Fixture::SOON`] is over.
pub(super) async fn soon_within<F: Fixture, T>(
    calls: u64,
    what: &str,
    future: impl Future<Output = T>,
) -> T {
    let (soon, progress) = (bound(F::settings().soon), Progress::of_this_thread());
    let (mut future, began, ended) = (pin!(future), Instant::now(), progress.ended());
    loop {
        let left = soon.saturating_sub(progress.quiet(began));
        match tokio::time::timeout(left.min(soon / 4), &mut future).await {
            Ok(value) => return value,
            Err(_) if progress.quiet(began) >= soon => panic!("{what}: nothing after {soon:?}"),
            Err(_) if began.elapsed() >= soon && progress.ended() - ended > calls => {
                panic!("{what}: nothing after {soon:?} and {calls} calls of the store")
            }
            Err(_) => {}
        }
    }
}
