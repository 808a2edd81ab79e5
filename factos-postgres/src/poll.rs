use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use factos::{
    SequencePosition,
    backend::{Closed, Head},
};
use futures_util::future::{Either, select};
use tokio::{
    spawn,
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::pace::Pace;

/// How long the server looks for one statement, at first and at most. A statement that is under way goes on although
/// nobody waits any more.
const PATIENCE: Duration = Duration::from_millis(50);
const MOST_PATIENCE: Duration = Duration::from_secs(1);

/// A statement whose answer is late by so much may never be answered: others look meanwhile.
const LATE: Duration = Duration::from_secs(1);

/// Looks for appends of other processes while somebody waits for them, about once per interval. The timers of
/// the waiters drive it, and no task that outlasts a look: a store works on several runtimes, and any of them may end.
///
/// Where nothing has come for an interval, the server does the looking: one statement of a waiter's sleeps there between
/// its looks, for up to a second.
#[derive(Debug)]
pub(crate) struct Poll {
    head: Head,
    interval: Duration,
    last_look: Mutex<Option<Instant>>,
    /// The turn of the one statement that looks on the server. None where the interval is too long for it.
    long_look: Option<Arc<Semaphore>>,
    /// How long the last of these was to look, in milliseconds.
    patience: AtomicU64,
    /// When its answer was to be there.
    answer_due: Mutex<Option<Instant>>,
    most_patience: Duration,
    pace: Pace,
}

/// How the server is to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LongLook {
    pub(crate) patience: Duration,
    pub(crate) pause: Duration,
}

impl Poll {
    /// An answer has to come within `answers`.
    pub(crate) fn new(interval: Duration, head: Head, answers: Duration) -> Self {
        let most_patience = MOST_PATIENCE.min(answers / 4);
        let may_look_long = interval < most_patience;
        Self {
            head,
            interval,
            last_look: Mutex::default(),
            long_look: may_look_long.then(|| Arc::new(Semaphore::new(1))),
            patience: AtomicU64::new(0),
            answer_due: Mutex::default(),
            most_patience,
            pace: Pace::default(),
        }
    }

    /// Waits until the log is past `after`. `look` asks the log for its last position whenever a look is due, and
    /// at the beginning also if the server is not verified; `look_long` has the server look for a while, if
    /// `may_look_long` says that a connection may be spent on it. Those who wait go on in [turns](Pace).
    pub(crate) async fn wait_past<E, F, L>(
        &self,
        after: Option<SequencePosition>,
        is_verified: impl Fn() -> bool + Send,
        look: impl Fn() -> F + Send,
        look_long: impl Fn(Option<SequencePosition>, LongLook) -> L + Send,
        may_look_long: impl Fn() -> bool + Send,
    ) -> Result<(), E>
    where
        E: From<Closed> + Send + 'static,
        F: Future<Output = Result<Option<SequencePosition>, E>> + Send,
        L: Future<Output = Result<Option<SequencePosition>, E>> + Send + 'static,
    {
        let began = Instant::now();
        if !is_verified() || self.is_due() {
            self.head.publish(look().await?);
        }
        loop {
            match timeout(self.interval, self.head.wait_past(after)).await {
                Ok(outcome) => break outcome?,
                Err(_) if !self.is_due() => {}
                Err(_) if !self.looks_long(&may_look_long) => self.head.publish(look().await?),
                Err(_) => match self.start_long_look(&look_long) {
                    Some(looking) => {
                        let come = pin!(self.head.wait_past(after));
                        match select(come, looking).await {
                            Either::Left((outcome, _)) => break outcome?,
                            // Its runtime may have ended: then another one looks.
                            Either::Right((outcome, _)) => outcome.unwrap_or(Ok(()))?,
                        }
                    }
                    None if self.is_late() => self.head.publish(look().await?),
                    None => {}
                },
            }
        }
        self.pace.turn(began, &self.head, after).await;
        Ok(())
    }

    /// Whether the server looks for a while, or is to do so.
    fn looks_long(&self, may_look_long: impl Fn() -> bool) -> bool {
        let Some(turn) = &self.long_look else { return false };
        turn.available_permits() == 0 || may_look_long()
    }

    /// Has the server look, unless it does so already.
    fn start_long_look<E, L>(
        &self,
        look_long: impl Fn(Option<SequencePosition>, LongLook) -> L,
    ) -> Option<JoinHandle<Result<(), E>>>
    where
        E: Send + 'static,
        L: Future<Output = Result<Option<SequencePosition>, E>> + Send + 'static,
    {
        let turn = Arc::clone(self.long_look.as_ref()?).try_acquire_owned().ok()?;
        let (head, known) = (self.head.clone(), self.head.last());
        let long_look = self.next_look();
        *lock(&self.answer_due) = Some(Instant::now() + long_look.patience);
        let look = look_long(known, long_look);
        Some(spawn(async move {
            let outcome = look.await;
            drop(turn);
            head.publish(outcome?);
            Ok(())
        }))
    }

    /// For longer each time: those who have just come may go soon, and their connections with them.
    fn next_look(&self) -> LongLook {
        let last = Duration::from_millis(self.patience.load(Ordering::Relaxed));
        let patience = (2 * last).clamp(PATIENCE, MOST_PATIENCE).min(self.most_patience);
        let number = patience.as_millis().try_into().unwrap_or(u64::MAX);
        self.patience.store(number, Ordering::Relaxed);
        LongLook { patience, pause: self.interval / 2 }
    }

    /// Somebody else has just asked for the last position.
    pub(crate) fn looked(&self) {
        *lock(&self.last_look) = Some(Instant::now());
    }

    /// Whether the answer of the statement that is under way should have come long ago.
    fn is_late(&self) -> bool {
        lock(&self.answer_due).is_some_and(|due| due.elapsed() > LATE)
    }

    /// Whether this waiter is to look: no other did within the last half of an interval.
    fn is_due(&self) -> bool {
        let mut last = lock(&self.last_look);
        let now = Instant::now();
        let is_due = last.is_none_or(|last| now.duration_since(last) >= self.interval / 2);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

fn lock(time: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    time.lock().unwrap_or_else(PoisonError::into_inner)
}
