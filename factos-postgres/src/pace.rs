use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use factos::{SequencePosition, backend::Head};
use tokio::time::{Instant, sleep_until};

/// How long after a turn the next one comes, and how long while the log is busy.
const INTERVAL: Duration = Duration::from_millis(4);
const BUSY_INTERVAL: Duration = Duration::from_millis(40);

/// So many positions since the last turn make the log busy.
const BUSY: u64 = 8;

/// A task that is so many positions behind the last one waits for no turn.
const FAR: u64 = 4096;

/// Lets tasks that follow the log go on in turns. All that waited go on in the same turn: each of them reads the
/// log next, and these reads share a statement. Without turns each append, or each few, would cost a read.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Option<Turn>>);

#[derive(Debug, Clone, Copy)]
struct Turn {
    at: Instant,
    last: u64,
}

impl Pace {
    /// Waits for the turn of a task that began to wait at this time for a position after `after`.
    pub(crate) async fn turn(&self, began: Instant, head: &Head, after: Option<SequencePosition>) {
        while let Some(next) = self.next_turn(began, number(head.last()), number(after)) {
            sleep_until(next).await;
        }
    }

    /// When to look again; none if the turn has come.
    fn next_turn(&self, began: Instant, last: u64, after: u64) -> Option<Instant> {
        if last.saturating_sub(after) >= FAR {
            return None;
        }
        let mut turn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(turn) = *turn {
            let is_busy = last.saturating_sub(turn.last) >= BUSY;
            let next = turn.at + if is_busy { BUSY_INTERVAL } else { INTERVAL };
            if began <= turn.at {
                return None;
            }
            if now < next {
                return Some(next);
            }
        }
        *turn = Some(Turn { at: now, last });
        None
    }
}

fn number(position: Option<SequencePosition>) -> u64 {
    position.map_or(0, SequencePosition::get)
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};

    use super::*;

    fn at(position: u64) -> Option<SequencePosition> {
        SequencePosition::new(position)
    }

    fn head(position: u64) -> Head {
        let head = Head::new();
        head.publish(at(position));
        head
    }

    /// How long so many tasks take that begin to wait together.
    async fn takes(pace: &Pace, tasks: usize, head: &Head) -> Duration {
        let began = Instant::now();
        join_all((0..tasks).map(|_| pace.turn(began, head, head.last()))).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_waited_together_go_on_together() {
        let (pace, head) = (Pace::default(), head(1));
        assert_eq!(takes(&pace, 8, &head).await, Duration::ZERO);
        tokio::time::advance(Duration::from_millis(1)).await;
        let taken = takes(&pace, 8, &head).await;
        assert!(taken > Duration::ZERO && taken <= INTERVAL, "{taken:?}");
        tokio::time::advance(INTERVAL).await;
        assert_eq!(takes(&pace, 8, &head).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_rare_while_many_events_come() {
        let (pace, head) = (Pace::default(), head(1));
        let begun = Instant::now();
        for turn in 1..=10 {
            takes(&pace, 8, &head).await;
            tokio::time::advance(Duration::from_millis(1)).await;
            head.publish(at(100 * turn));
        }
        assert!(begun.elapsed() >= 9 * BUSY_INTERVAL, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_is_far_behind_goes_on_at_once() {
        let (pace, head) = (Pace::default(), head(FAR + 7));
        takes(&pace, 1, &head).await;
        tokio::time::advance(Duration::from_millis(1)).await;
        let turn = |after| pace.turn(Instant::now(), &head, at(after)).now_or_never();
        assert!(turn(7).is_some());
        assert!(turn(8).is_none());
    }
}
