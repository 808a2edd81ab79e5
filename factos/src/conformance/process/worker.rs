use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tokio::{runtime::Builder, sync::mpsc, task::spawn_blocking};

use crate::conformance::progress::Progress;

const TASK: &str = "FACTOS_CONFORMANCE_TASK";
const ADDRESS: &str = "FACTOS_CONFORMANCE_ADDRESS";
const ARGUMENT: &str = "FACTOS_CONFORMANCE_ARGUMENT";

/// Begins each line that a worker sends; the test harness prints other lines.
const SAYS: &str = "worker says: ";

/// What this process was started for.
pub(super) struct Task {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) argument: String,
}

impl Task {
    pub(super) fn given() -> Option<Self> {
        let (address, argument) = (env::var(ADDRESS).ok()?, env::var(ARGUMENT).ok()?);
        Some(Self { name: env::var(TASK).ok()?, address, argument })
    }
}

pub(super) fn block_on(work: impl Future<Output = ()>) {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work);
}

/// In a worker: sends a line to the process that started it. The line is in the pipe when this returns;
/// false if the pipe is closed.
pub(super) fn say(line: &str) -> bool {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n{SAYS}{line}").and_then(|()| output.flush()).is_ok()
}

/// A process of the same test binary, which is killed when this is dropped.
pub(super) struct Worker {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Worker {
    /// `test` is the full name of the test that does the work, the name of the crate included.
    pub(super) fn start(test: &str, address: &str, task: &str, argument: &str) -> Self {
        let name = test.split_once("::").map_or(test, |(_, name)| name);
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([name, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]);
        command.env(TASK, task).env(ADDRESS, address).env(ARGUMENT, argument);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix(SAYS) {
                    drop(said.send(line.to_owned()));
                }
            }
        });
        Self { child, lines }
    }

    /// The next line that the worker sends.
    pub(super) async fn line(&mut self) -> Option<String> {
        let line = self.lines.recv().await;
        Progress::of_this_thread().step();
        line
    }

    /// Kills the worker after a delay, and returns the lines that it had sent, those that are still in
    /// the pipe included.
    pub(super) async fn kill_after(mut self, delay: Duration) -> Vec<String> {
        tokio::time::sleep(delay).await;
        assert!(self.child.try_wait().unwrap().is_none(), "the worker ended by itself");
        self.child.kill().unwrap();
        let mut said = Vec::new();
        while let Some(line) = self.line().await {
            said.push(line);
        }
        said
    }

    /// Waits for the end of the worker, which must have succeeded.
    pub(super) async fn finish(mut self) {
        while self.line().await.is_some() {}
        let ended = spawn_blocking(move || self.child.wait()).await.unwrap();
        assert!(ended.unwrap().success(), "a worker failed");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The process may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
