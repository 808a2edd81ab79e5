//! A process that runs consumers: this test binary again.

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use factos_sqlite::SqliteStore;

use crate::shop::{Shop, consumers};

const LOG: &str = "FACTOS_TEST_LOG";
const VERSIONS: &str = "FACTOS_TEST_VERSIONS";
const LEASE: &str = "FACTOS_TEST_LEASE";

pub(crate) struct Worker(Child);

impl Worker {
    /// Runs these versions, with a lease of so many milliseconds.
    pub(crate) fn start(shop: &Shop, versions: &str, lease: u64) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "worker::worker", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(LOG, shop.path()).env(VERSIONS, versions).env(LEASE, lease.to_string());
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        let status = Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A test that has failed leaves none behind.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process of the other tests of this file"]
async fn worker() {
    let log = env::var(LOG).expect("this test is run by another one, as a process of its own");
    let lease = Duration::from_millis(env::var(LEASE).unwrap().parse().unwrap());
    let store = SqliteStore::open(&log).await.unwrap();
    let consumers = consumers(&store, lease, &env::var(VERSIONS).unwrap()).await;
    consumers.run_until(std::future::pending()).await.unwrap();
}
