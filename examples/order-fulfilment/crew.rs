//! The other processes, which this one starts.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use factos_consumer::port::ProcessId;

use crate::options::Options;

/// How to start this program again, on the same log and the same files.
pub(crate) struct Crew {
    program: PathBuf,
    arguments: Vec<String>,
    pub(crate) workers: Vec<Member>,
}

/// A process. A worker ends when its input is closed, and so does not outlive this one; the clerk ends by itself.
pub(crate) struct Member {
    pub(crate) name: String,
    child: Child,
}

impl Crew {
    pub(crate) fn new(options: &Options, folder: PathBuf, schema: &str) -> anyhow::Result<Self> {
        let folder = folder.into_os_string().into_string();
        let folder = folder.map_err(|_| anyhow::anyhow!("the folder's name is no text"))?;
        let (store, schema) = (options.store.as_str().to_owned(), schema.to_owned());
        let arguments =
            ["--store".into(), store, "--folder".into(), folder, "--schema".into(), schema];
        let orders = ["--orders".to_owned(), options.orders.to_string()];
        let arguments = arguments.into_iter().chain(orders).collect();
        Ok(Self { program: std::env::current_exe()?, arguments, workers: Vec::new() })
    }

    /// Starts a worker of a release.
    pub(crate) fn hire(&mut self, release: u32) -> anyhow::Result<()> {
        let name = format!("worker {}", self.workers.len() + 1);
        let worker = self.start(name, &["worker", &release.to_string()])?;
        self.workers.push(worker);
        Ok(())
    }

    pub(crate) fn clerk(&self) -> anyhow::Result<Member> {
        self.start("the clerk".to_owned(), &["clerk"])
    }

    fn start(&self, name: String, role: &[&str]) -> anyhow::Result<Member> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(role).stdin(Stdio::piped());
        let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        Ok(Member { name, child })
    }

    /// An error if one has ended by itself.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        for worker in &mut self.workers {
            let Member { name, child } = worker;
            anyhow::ensure!(child.try_wait()?.is_none(), "{name} has ended by itself");
        }
        Ok(())
    }
}

impl Member {
    /// Whether this is the process that a lease names.
    pub(crate) fn is(&self, process: &ProcessId) -> bool {
        process.0.split_once('-').is_some_and(|(pid, _)| pid == self.child.id().to_string())
    }

    /// Kills it: no code of it runs any more.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Has it end what it has in hand.
    pub(crate) async fn dismiss(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        self.end().await
    }

    /// Waits until it has done its work.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                anyhow::ensure!(status.success(), "{} has failed: {status}", self.name);
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
