//! Threads that read, so that no thread of a caller ever waits for the file.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use factos::{SequencePosition, backend::Queue};
use tokio::sync::oneshot;

use crate::{config::Config, error::Error, log::known_log::KnownLog, read::reader::Reader};

type Job = Box<dyn FnOnce(&mut Reader) + Send>;

/// Reader threads with one connection each.
#[derive(Debug)]
pub(crate) struct ReaderThreads {
    jobs: Jobs,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The queue of the reader threads. A clone is the same queue.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<Queue<Job>>);

impl ReaderThreads {
    /// Starts the threads, and waits until each has opened its connection.
    pub(crate) async fn start(config: &Config, known: &KnownLog) -> Result<Self, Error> {
        let queue = Arc::new(Queue::new());
        let threads = Self { jobs: Jobs(Arc::clone(&queue)), threads: Mutex::default() };
        let mut opening = Vec::with_capacity(config.readers);
        for _ in 0..config.readers {
            let (opened, answer) = oneshot::channel();
            let (config, known) = (config.clone(), known.clone());
            let queue = Arc::clone(&queue);
            let thread =
                thread::Builder::new().name("factos-sqlite-reader".to_owned()).spawn(move || {
                    match Reader::open(&config, known) {
                        Ok(reader) => {
                            // Ends at once if the caller dropped its future: the queue is closed then.
                            drop(opened.send(Ok(())));
                            serve(reader, &queue);
                        }
                        Err(error) => drop(opened.send(Err(error))),
                    }
                });
            threads.lock().push(thread.map_err(Error::thread)?);
            opening.push(answer);
        }
        for answer in opening {
            answer.await.unwrap_or(Err(Error::Closed))?;
        }
        Ok(threads)
    }

    pub(crate) const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Ends the threads once they have run what is in the queue, and closes their connections.
    pub(crate) fn stop(&self) {
        self.jobs.0.close();
        for thread in std::mem::take(&mut *self.lock()) {
            drop(thread.join());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ReaderThreads {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Jobs {
    /// Runs `f` on a reader thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Reader) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.submit(f)?.await.map_err(|_| Error::Closed)
    }

    /// The last position of the log.
    pub(crate) async fn head(&self) -> Result<Option<SequencePosition>, Error> {
        self.run(|reader| reader.head()).await?
    }

    /// An error once the store was closed.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        self.submit(|_| ()).map(drop)
    }

    /// Has a reader thread run `f`, unless the receiver was dropped before.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Reader) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Error> {
        let (reply, answer) = oneshot::channel();
        self.push(move |reader| {
            if !reply.is_closed() {
                drop(reply.send(f(reader)));
            }
        })?;
        Ok(answer)
    }

    /// Has a reader thread run `job`.
    pub(crate) fn push(&self, job: impl FnOnce(&mut Reader) + Send + 'static) -> Result<(), Error> {
        self.0.push(Box::new(job)).map_err(|_| Error::Closed)
    }
}

fn serve(mut reader: Reader, queue: &Queue<Job>) {
    while let Some(job) = queue.pop() {
        // A panic drops the reply: it fails only the caller of this job.
        drop(catch_unwind(AssertUnwindSafe(|| job(&mut reader))));
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jobs").field(&self.0).finish()
    }
}
