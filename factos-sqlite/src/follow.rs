//! Waiting for appends, of this process and of others.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::watch;

use crate::{error::Error, read::threads::Jobs};

/// The last position known to be in the file.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    head: u64,
    closed: bool,
}

/// Where whoever sees the head tells it, and whoever waits for it listens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head(watch::Sender<Seen>);

impl Head {
    /// Tells of a position in the file; older news are ignored.
    pub(crate) fn publish(&self, head: u64) {
        self.0.send_if_modified(|seen| {
            let is_news = seen.head < head;
            seen.head = seen.head.max(head);
            is_news
        });
    }

    /// Ends every wait.
    pub(crate) fn close(&self) {
        self.0.send_modify(|seen| seen.closed = true);
    }

    pub(crate) fn is_past(&self, after: u64) -> bool {
        self.0.borrow().head > after
    }

    pub(crate) async fn wait_past(&self, after: u64) -> Result<(), Error> {
        let mut seen = self.0.subscribe();
        let news = seen.wait_for(|seen| seen.head > after || seen.closed).await;
        match news {
            Ok(seen) if !seen.closed => Ok(()),
            _ => Err(Error::Closed),
        }
    }
}

/// A thread that looks for appends of other processes, while somebody waits for them.
#[derive(Debug)]
pub(crate) struct Poll {
    waiting: Arc<Waiting>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Waiting {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    followers: usize,
    stopped: bool,
}

/// Keeps the poll going until it is dropped.
#[derive(Debug)]
pub(crate) struct Follower<'a>(&'a Waiting);

impl Poll {
    pub(crate) fn start(interval: Duration, jobs: Jobs, head: Head) -> Result<Self, Error> {
        let waiting = Arc::new(Waiting::default());
        let shared = Arc::clone(&waiting);
        let thread = thread::Builder::new()
            .name("factos-sqlite-poll".to_owned())
            .spawn(move || {
                while shared.next_look(interval) {
                    let look = jobs.submit(|reader| reader.head());
                    match look.map(tokio::sync::oneshot::Receiver::blocking_recv) {
                        Ok(Ok(Ok(position))) => head.publish(position),
                        // Locked for a moment: the next look tells.
                        Ok(Ok(Err(_))) => {}
                        Ok(Err(_)) | Err(_) => break,
                    }
                }
            })
            .map_err(|error| Error::Thread(Arc::new(error)))?;
        Ok(Self { waiting, thread: Mutex::new(Some(thread)) })
    }

    pub(crate) fn follow(&self) -> Follower<'_> {
        self.waiting.lock().followers += 1;
        self.waiting.changed.notify_one();
        Follower(&self.waiting)
    }

    pub(crate) fn stop(&self) {
        self.waiting.lock().stopped = true;
        self.waiting.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        self.0.lock().followers -= 1;
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is a follower and then for the interval; false if it is over.
    fn next_look(&self, interval: Duration) -> bool {
        let idle = |state: &mut State| state.followers == 0 && !state.stopped;
        let state =
            self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, interval, |state| !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }
}
