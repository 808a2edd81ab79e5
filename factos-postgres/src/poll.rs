//! Waiting for appends, of this handle and of others.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// The last position known to be in the log: whoever sees it tells it, and whoever waits listens.
#[derive(Debug, Default)]
pub(crate) struct Head(watch::Sender<u64>);

impl Head {
    /// Tells of a position in the log; older news are ignored.
    pub(crate) fn publish(&self, head: u64) {
        self.0.send_if_modified(|seen| {
            let is_news = *seen < head;
            *seen = head.max(*seen);
            is_news
        });
    }

    pub(crate) fn last(&self) -> u64 {
        *self.0.borrow()
    }

    pub(crate) fn is_past(&self, after: u64) -> bool {
        *self.0.borrow() > after
    }

    /// Whether there was such a position before the time was up.
    pub(crate) async fn is_past_within(&self, after: u64, time: Duration) -> bool {
        let mut seen = self.0.subscribe();
        let news = seen.wait_for(|seen| *seen > after);
        tokio::time::timeout(time, news).await.is_ok()
    }
}

/// Lets one of all that wait look at the server, once an interval.
#[derive(Debug)]
pub(crate) struct Poll {
    interval: Duration,
    last: Mutex<Option<Instant>>,
}

impl Poll {
    pub(crate) fn every(interval: Duration) -> Self {
        Self { interval, last: Mutex::default() }
    }

    pub(crate) const fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether it is this one's turn to look.
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = last.is_none_or(|last| now.duration_since(last) >= self.interval / 2);
        if due {
            *last = Some(now);
        }
        due
    }
}
