use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use factos::{
    SequencePosition,
    backend::{Closed, Head},
};
use tokio::time::timeout;

/// Looks for appends of other processes while somebody waits for them, about once per interval. The timers of
/// the waiters drive it, and no task of its own: a store works on several runtimes, and any of them may end.
#[derive(Debug)]
pub(crate) struct Poll {
    head: Head,
    interval: Duration,
    last_look: Mutex<Option<Instant>>,
}

impl Poll {
    pub(crate) fn new(interval: Duration, head: Head) -> Self {
        Self { head, interval, last_look: Mutex::default() }
    }

    /// Waits until the log is past `after`. `look` asks the log for its last position: once at the beginning
    /// and then whenever a look is due. A later position that is known already spares the first look if the
    /// server is verified and no look is due.
    pub(crate) async fn wait_past<E: From<Closed>, F>(
        &self,
        after: Option<SequencePosition>,
        is_verified: impl Fn() -> bool + Send,
        look: impl Fn() -> F + Send,
    ) -> Result<(), E>
    where
        F: Future<Output = Result<Option<SequencePosition>, E>> + Send,
    {
        if self.head.is_past(after) && is_verified() && !self.is_due() {
            return Ok(());
        }
        self.head.publish(look().await?);
        loop {
            match timeout(self.interval, self.head.wait_past(after)).await {
                Ok(outcome) => return Ok(outcome?),
                Err(_) if self.is_due() => self.head.publish(look().await?),
                Err(_) => {}
            }
        }
    }

    /// Whether this waiter is to look: no other did within the last half of an interval.
    fn is_due(&self) -> bool {
        let mut last = self.last_look.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_due = last.is_none_or(|last| now.duration_since(last) >= self.interval / 2);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}
