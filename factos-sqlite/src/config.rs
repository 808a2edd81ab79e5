use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::{durability::Durability, files};

/// The settings with which a log is opened.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) readers: usize,
    pub(crate) create: bool,
    pub(crate) upgrade: bool,
    pub(crate) read_only: bool,
    pub(crate) max_bytes: Option<u64>,
}

impl Config {
    /// The settings of a log at this path, with the defaults: full durability, created if there is no file.
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
            upgrade: false,
            read_only: false,
            max_bytes: None,
        }
    }

    /// The failures that an acknowledged append survives.
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
    /// 20 ms by default. After a second without an append it looks half as often, and after ten seconds a quarter as
    /// often. Appends of this process are known without a look.
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

    /// Whether a missing file is created, which is the default, and an empty one becomes a log. A missing
    /// folder never is created.
    #[must_use]
    pub const fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether a log of an older format is upgraded when it is opened; it is refused by default. Processes
    /// with an older version of this crate that have the log open go on, and can open it no more. Nothing is
    /// lost if the process is killed meanwhile.
    #[must_use]
    pub const fn upgrade(mut self, upgrade: bool) -> Self {
        self.upgrade = upgrade;
        self
    }

    /// Whether the log is only read: nothing is created or upgraded, no write-ahead log is copied into the
    /// file, appends are refused with [`Error::OpenedReadOnly`](crate::Error::OpenedReadOnly), and the folder
    /// is left as it was found. Other processes may append meanwhile, and reads see it.
    ///
    /// SQLite needs to write to the folder even then, for the locks among processes are kept in a file beside
    /// the log. Where this process may not write to the folder and there is no write-ahead log, the file is
    /// read as it is, without locks: that is right for a copy or a read-only medium, and wrong for a log that
    /// another user appends to.
    #[must_use]
    pub const fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Whether this process may write to the file and its folder.
    pub(crate) fn may_write(&self) -> bool {
        files::unwritable(&self.path).is_none()
    }

    /// How large the file may become; past it an append fails as on a full disk. Counted in pages of
    /// 4 KiB, and without the write-ahead log.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}
