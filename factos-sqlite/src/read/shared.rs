//! Equal reads that wait at the same time: a reader thread does one of them for all.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use factos::{
    Page, ReadOptions,
    backend::{PagedRead, Selection},
};
use tokio::sync::oneshot;

use crate::{
    error::Error,
    read::{
        reader::{Begun, Reader},
        threads::Jobs,
    },
};

/// The reads of all callers. A clone is the same.
#[derive(Debug, Clone)]
pub(crate) struct SharedReads {
    jobs: Jobs,
    begun: Waiting<(Selection, ReadOptions), Begun>,
    pages: Waiting<PagedRead, Next>,
}

/// A page after the first.
#[derive(Debug, Clone)]
pub(crate) struct Next {
    pub(crate) page: Page,
    /// What is left of the read after the page.
    pub(crate) rest: PagedRead,
}

impl SharedReads {
    pub(crate) fn new(jobs: &Jobs) -> Self {
        Self { jobs: jobs.clone(), begun: Waiting::default(), pages: Waiting::default() }
    }

    /// Takes a snapshot, and reads its first page.
    pub(crate) async fn begin(
        &self,
        selection: Selection,
        options: ReadOptions,
    ) -> Result<Begun, Error> {
        let begun = self.begun.ask(&self.jobs, (selection, options), begin)?;
        begun.await.map_err(|_| Error::Closed)?
    }

    /// Has the next page of a read be read.
    pub(crate) fn next(&self, read: PagedRead) -> Result<Answer<Next>, Error> {
        self.pages.ask(&self.jobs, read, next)
    }
}

fn begin(
    reader: &mut Reader,
    (selection, options): (Selection, ReadOptions),
) -> Result<Begun, Error> {
    reader.begin(selection, options)
}

fn next(reader: &mut Reader, mut rest: PagedRead) -> Result<Next, Error> {
    let page = reader.later_page(&mut rest)?;
    Ok(Next { page, rest })
}

pub(crate) type Answer<T> = oneshot::Receiver<Result<T, Error>>;

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// How a reader thread reads what a key says.
type Read<K, T> = fn(&mut Reader, K) -> Result<T, Error>;

/// The reads that no thread has begun, each with the callers that wait for it. A clone is the same.
///
/// Nobody joins a read that has begun: its snapshot may lack what was appended before they asked.
#[derive(Debug)]
struct Waiting<K, T>(Arc<Mutex<HashMap<K, Vec<Reply<T>>>>>);

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + 'static> Waiting<K, T> {
    fn ask(&self, jobs: &Jobs, key: K, read: Read<K, T>) -> Result<Answer<T>, Error> {
        let (reply, answer) = oneshot::channel();
        if let Some(key) = self.join(key, reply) {
            let (waiting, own) = (self.clone(), key.clone());
            let pushed = jobs.push(move |reader| {
                let mut replies = waiting.begin(&own);
                replies.retain(|reply| !reply.is_closed());
                if !replies.is_empty() {
                    answer_all(replies, read(reader, own));
                }
            });
            pushed.inspect_err(|_| drop(self.begin(&key)))?;
        }
        Ok(answer)
    }

    /// Adds a caller, and returns the key if it is the first one.
    fn join(&self, key: K, reply: Reply<T>) -> Option<K> {
        match self.lock().entry(key) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push(reply);
                None
            }
            Entry::Vacant(waiting) => {
                let key = waiting.key().clone();
                waiting.insert(vec![reply]);
                Some(key)
            }
        }
    }

    /// The callers that the read is for. Who asks from now on is the first of another one.
    fn begin(&self, key: &K) -> Vec<Reply<T>> {
        self.lock().remove(key).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Vec<Reply<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, T> Clone for Waiting<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> Default for Waiting<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

fn answer_all<T: Clone>(mut replies: Vec<Reply<T>>, result: Result<T, Error>) {
    // Most reads are asked for by one caller, who gets the result and no copy.
    let last = replies.pop();
    for reply in replies {
        drop(reply.send(result.clone()));
    }
    drop(last.map(|reply| reply.send(result)));
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use factos::backend::Head;

    use super::*;
    use crate::{append::writer::Writer, config::Config, read::threads::ReaderThreads};

    static READS: AtomicUsize = AtomicUsize::new(0);

    fn counted(_: &mut Reader, key: u8) -> Result<u8, Error> {
        READS.fetch_add(1, Ordering::SeqCst);
        assert!(key < 9, "this read panics");
        Ok(key)
    }

    /// Keeps the only reader thread until the sender is dropped.
    fn hold(jobs: &Jobs) -> mpsc::Sender<()> {
        let (held, released) = mpsc::channel();
        jobs.push(move |_| assert!(released.recv().is_err(), "it sends nothing")).unwrap();
        held
    }

    #[tokio::test]
    async fn equal_reads_that_wait_are_done_once() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(folder.path().join("log.db")).readers(1);
        let (writer, log) = Writer::start(&config, Head::default()).await.unwrap();
        let readers = ReaderThreads::start(&config, &log.known).await.unwrap();
        let (jobs, waiting) = (readers.jobs(), Waiting::default());
        let ask = |key| waiting.ask(jobs, key, counted).unwrap();

        let held = hold(jobs);
        let one: Vec<_> = (0..5).map(|_| ask(1)).collect();
        let (two, dropped, panics) = (ask(2), ask(3), [ask(9), ask(9)]);
        drop(dropped);
        drop(held);
        for answer in one {
            assert_eq!(answer.await.unwrap().unwrap(), 1);
        }
        assert_eq!(two.await.unwrap().unwrap(), 2);
        for answer in panics {
            assert!(answer.await.is_err());
        }
        assert_eq!(READS.load(Ordering::SeqCst), 3, "of 1, 2 and 9; nobody waits for 3");

        // A read that was done or that failed is done again for those who ask later.
        assert_eq!(ask(1).await.unwrap().unwrap(), 1);
        assert!(ask(9).await.is_err());
        assert_eq!(READS.load(Ordering::SeqCst), 5);
        readers.stop();
        assert!(waiting.ask(jobs, 1, counted).is_err());
        assert!(waiting.lock().is_empty());
        drop(writer);
    }
}
