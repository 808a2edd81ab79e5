use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    panic::resume_unwind,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{runtime::Builder, sync::mpsc, task::spawn_blocking};

use crate::conformance::progress::Progress;

const TASK: &str = "FACTOS_CONFORMANCE_TASK";
const ADDRESS: &str = "FACTOS_CONFORMANCE_ADDRESS";
const ARGUMENT: &str = "FACTOS_CONFORMANCE_ARGUMENT";

/// Begins each line that a worker sends; the test harness prints other lines.
const SAYS: &str = "worker says: ";

/// How many bytes are kept of what a worker writes to standard error: so many from the beginning, and so
/// many from the end.
const KEPT_BYTES: usize = 8192;

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

/// In a worker: the next line from the process that started it; `None` once that sends no more.
pub(super) async fn hear() -> Option<String> {
    let line = spawn_blocking(|| std::io::stdin().lines().next()).await.unwrap();
    line.transpose().unwrap()
}

/// A process of the same test binary, which is killed when this is dropped.
pub(super) struct Worker {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    complaint: Option<JoinHandle<String>>,
}

impl Worker {
    /// `test` is the full name of the test that does the work, the name of the crate included.
    pub(super) fn start(test: &str, address: &str, task: &str, argument: &str) -> Self {
        let name = test.split_once("::").map_or(test, |(_, name)| name);
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([name, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]);
        command.env(TASK, task).env(ADDRESS, address).env(ARGUMENT, argument);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix(SAYS) {
                    drop(said.send(line.to_owned()));
                }
            }
        });
        let errors = child.stderr.take().unwrap();
        let complaint = Some(thread::spawn(move || beginning_and_end(errors)));
        Self { child, lines, complaint }
    }

    /// Sends a line to the worker.
    pub(super) fn tell(&mut self, line: &str) {
        let told = self.child.stdin.as_mut().map(|input| writeln!(input, "{line}"));
        if let Some(Err(_)) | None = told {
            panic!("the worker does not listen, {}", self.end());
        }
    }

    /// The next line that the worker sends, which must not have ended.
    pub(super) async fn expect_line(&mut self) -> String {
        let line = self.line().await;
        line.unwrap_or_else(|| panic!("the worker ended early, {}", self.end()))
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
        if self.child.try_wait().unwrap().is_some() {
            panic!("the worker ended by itself, {}", self.end());
        }
        self.child.kill().unwrap();
        let mut said = Vec::new();
        while let Some(line) = self.line().await {
            said.push(line);
        }
        said
    }

    /// Sends no more, and waits for the end of the worker, which must have succeeded.
    pub(super) async fn finish(mut self) {
        drop(self.child.stdin.take());
        while self.line().await.is_some() {}
        spawn_blocking(move || {
            let succeeded = self.child.wait().unwrap().success();
            assert!(succeeded, "a worker failed, {}", self.end());
        })
        .await
        .unwrap_or_else(|failed| resume_unwind(failed.into_panic()));
    }

    /// How the worker ended, and what it wrote to standard error.
    fn end(&mut self) -> String {
        let status = self.child.wait().unwrap();
        let complaint = self.complaint.take().map(|reading| reading.join().unwrap());
        format!("{status}:\n{}", complaint.unwrap_or_default())
    }
}

fn beginning_and_end(mut of: impl Read) -> String {
    let (mut kept, mut part) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = of.read(&mut part) {
        kept.extend_from_slice(&part[..read]);
        if kept.len() > 2 * KEPT_BYTES {
            kept.drain(KEPT_BYTES..kept.len() - KEPT_BYTES);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The process may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
