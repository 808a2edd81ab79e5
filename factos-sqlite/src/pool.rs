//! The threads that read, so that no caller's thread ever waits for the file.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::oneshot;

use crate::{config::Config, error::Error, read::Reader};

enum Job {
    Run(Box<dyn FnOnce(&mut Reader) + Send>),
    Stop,
}

/// Reader threads with one connection each.
#[derive(Debug)]
pub(crate) struct Pool {
    jobs: Jobs,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where reader threads take their work from. A clone asks the same threads.
#[derive(Clone)]
pub(crate) struct Jobs(Sender<Job>);

impl Pool {
    /// Starts the threads; each has its connection when this returns.
    pub(crate) async fn start(config: &Config) -> Result<Self, Error> {
        let (jobs, queue) = crossbeam_channel::unbounded();
        let pool = Self { jobs: Jobs(jobs), threads: Mutex::default() };
        let mut opening = Vec::with_capacity(config.readers);
        for _ in 0..config.readers {
            let (opened, answer) = oneshot::channel();
            let (config, queue) = (config.clone(), queue.clone());
            let thread =
                thread::Builder::new().name("factos-sqlite-reader".to_owned()).spawn(move || {
                    match Reader::open(&config) {
                        Ok(reader) => {
                            // If nobody waits for it any more, its queue is closed and it ends at once.
                            drop(opened.send(Ok(())));
                            serve(reader, &queue);
                        }
                        Err(error) => drop(opened.send(Err(error))),
                    }
                });
            pool.lock().push(thread.map_err(|error| Error::Thread(Arc::new(error)))?);
            opening.push(answer);
        }
        for answer in opening {
            answer.await.unwrap_or(Err(Error::Closed))?;
        }
        Ok(pool)
    }

    pub(crate) const fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Ends the threads and closes their connections; waits for the page that each is at.
    pub(crate) fn stop(&self) {
        let threads = std::mem::take(&mut *self.lock());
        for _ in &threads {
            // Fails if they have ended already.
            drop(self.jobs.0.send(Job::Stop));
        }
        for thread in threads {
            // A panic in a reader was told to the caller that it served.
            drop(thread.join());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
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

    /// Lets a reader thread run `f`, unless the receiver is gone by then.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Reader) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Error> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Run(Box::new(move |reader| {
            if !reply.is_closed() {
                drop(reply.send(f(reader)));
            }
        }));
        self.0.send(job).map_err(|_| Error::Closed)?;
        Ok(answer)
    }
}

fn serve(mut reader: Reader, queue: &Receiver<Job>) {
    while let Ok(Job::Run(job)) = queue.recv() {
        job(&mut reader);
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("queued", &self.0.len()).finish()
    }
}
