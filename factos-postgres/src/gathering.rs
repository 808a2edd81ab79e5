//! Waiting without a clock until nobody joins a queue any more.

use tokio::task::yield_now;

/// Lets whoever was just answered, or is about to ask, join a queue of this length, so that it need not
/// wait for the next statement.
pub(crate) async fn gather(length: impl Fn() -> usize) {
    let mut queued = length();
    loop {
        yield_now().await;
        let now = length();
        if now <= queued {
            return;
        }
        queued = now;
    }
}
