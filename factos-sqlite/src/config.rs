use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::durability::Durability;

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) readers: usize,
    pub(crate) create: bool,
    pub(crate) max_bytes: Option<u64>,
}

impl Config {
    /// A log at this path, with the defaults: full durability, created if there is no file.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Self {
            path: path.as_ref().to_owned(),
            durability: Durability::Full,
            busy_timeout: Duration::from_secs(5),
            poll_interval: Duration::from_millis(20),
            readers: cores.clamp(2, 4),
            create: true,
            max_bytes: None,
        }
    }

    /// What an acknowledged append survives.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long the store waits for a lock of another process; 5 s by default.
    #[must_use]
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How often the store looks for appends of other processes while somebody waits for them; every
    /// 20 ms by default. Appends of this process are known without a look.
    #[must_use]
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How many threads read, each with a connection of its own; at least 1. By default one for each
    /// core, but 2 at least and 4 at most.
    #[must_use]
    pub const fn readers(mut self, threads: usize) -> Self {
        self.readers = if threads == 0 { 1 } else { threads };
        self
    }

    /// Whether a missing file is created, which is the default. A missing folder never is.
    #[must_use]
    pub const fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// How large the file may become; past it an append fails as on a full disk. Counted in pages of
    /// 4 KiB, and without the write-ahead log.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}
