use std::time::{Duration, Instant};

/// Until when a call may wait. It counts from the call: turns, queues and repeats all live within it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    from: Instant,
    lock_timeout: Duration,
    answer_timeout: Duration,
}

impl Deadline {
    /// From now on, with this timeout for locks, and another for the server's answer.
    pub(crate) fn new(lock_timeout: Duration, answer_timeout: Duration) -> Self {
        let answer_timeout = lock_timeout.saturating_add(answer_timeout);
        Self { from: Instant::now(), lock_timeout, answer_timeout }
    }

    /// How long the call may wait for locks in all.
    pub(crate) const fn lock_timeout(&self) -> Duration {
        self.lock_timeout
    }

    /// How long it may still wait for locks.
    pub(crate) fn locks(&self) -> Duration {
        self.lock_timeout.saturating_sub(self.from.elapsed())
    }

    /// How long it may still wait for an answer.
    pub(crate) fn answer(&self) -> Duration {
        self.answer_timeout.saturating_sub(self.from.elapsed())
    }

    /// How long it may wait for the first answer, so that there is time for another one if none comes.
    pub(crate) fn first_answer(&self) -> Duration {
        let (locks, answer) = (self.locks(), self.answer());
        locks + answer.saturating_sub(locks) / 2
    }

    /// Whether it may no longer wait for locks.
    pub(crate) fn is_over(&self) -> bool {
        self.locks().is_zero()
    }

    /// The one that ends first.
    pub(crate) fn earlier(self, other: Self) -> Self {
        if other.answer() < self.answer() { other } else { self }
    }
}
