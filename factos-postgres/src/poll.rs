use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use factos::{
    SequencePosition,
    backend::{Closed, Head},
};
use tokio::time::{Instant, timeout};

use crate::pace::Pace;

/// Looks for appends of other processes while somebody waits for them, about once per interval. The timers of
/// the waiters drive it, and no task of its own: a store works on several runtimes, and any of them may end.
#[derive(Debug)]
pub(crate) struct Poll {
    head: Head,
    interval: Duration,
    last_look: Mutex<Option<Instant>>,
    pace: Pace,
}

impl Poll {
    pub(crate) fn new(interval: Duration, head: Head) -> Self {
        Self { head, interval, last_look: Mutex::default(), pace: Pace::default() }
    }

    /// Waits until the log is past `after`. `look` asks the log for its last position whenever a look is due, and
    /// at the beginning also if the server is not verified. Those who wait go on in [turns](Pace).
    pub(crate) async fn wait_past<E: From<Closed>, F>(
        &self,
        after: Option<SequencePosition>,
        is_verified: impl Fn() -> bool + Send,
        look: impl Fn() -> F + Send,
    ) -> Result<(), E>
    where
        F: Future<Output = Result<Option<SequencePosition>, E>> + Send,
    {
        let began = Instant::now();
        if !is_verified() || self.is_due() {
            self.head.publish(look().await?);
        }
        loop {
            match timeout(self.interval, self.head.wait_past(after)).await {
                Ok(outcome) => break outcome?,
                Err(_) if self.is_due() => self.head.publish(look().await?),
                Err(_) => {}
            }
        }
        self.pace.turn(began, &self.head, after).await;
        Ok(())
    }

    /// Somebody else has just asked for the last position.
    pub(crate) fn looked(&self) {
        *self.last_look() = Some(Instant::now());
    }

    /// Whether this waiter is to look: no other did within the last half of an interval.
    fn is_due(&self) -> bool {
        let mut last = self.last_look();
        let now = Instant::now();
        let is_due = last.is_none_or(|last| now.duration_since(last) >= self.interval / 2);
        if is_due {
            *last = Some(now);
        }
        is_due
    }

    fn last_look(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last_look.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
