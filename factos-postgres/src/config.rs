use std::{fmt, time::Duration};

use factos::StoreError;
use sqlx::PgPool;

use crate::{log::create, store::PostgresStore};

/// How a log gives out positions; chosen when the log is created, and never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Advisory locks named by what an append writes and what its condition asks for: appends on
    /// different boundaries never wait for each other's flush, in whichever process they are. For
    /// PostgreSQL itself.
    #[default]
    Keyed,
    /// One row that every append locks: positions have no gaps and become visible in order, so that a
    /// physical standby can be read and followed. One commit at a time. For engines without real
    /// advisory locks.
    Portable,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Keyed => "keyed",
            Self::Portable => "portable",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a log is created and opened.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) schema: String,
    pub(crate) mode: Option<Mode>,
    pub(crate) create: bool,
    pub(crate) lock_timeout: Duration,
    pub(crate) socket_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) workers: usize,
    pub(crate) held: usize,
    pub(crate) batch_appends: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) batch_names: usize,
}

impl Config {
    /// A log in the schema `factos`, with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            schema: "factos".to_owned(),
            mode: None,
            create: false,
            lock_timeout: Duration::from_secs(5),
            socket_timeout: Duration::from_secs(300),
            poll_interval: Duration::from_millis(20),
            workers: 2,
            held: 16,
            batch_appends: 256,
            batch_bytes: 16 << 20,
            batch_names: 64,
        }
    }

    /// The schema that holds the log; several logs in one database have one each.
    ///
    /// # Errors
    /// [`InvalidSchemaName`] unless the name is 1 to 63 ASCII letters, digits and underscores and does
    /// not begin with a digit or `pg_`.
    pub fn schema(mut self, name: &str) -> Result<Self, InvalidSchemaName> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts_well =
            !name.starts_with("pg_") && !name.starts_with(|c: char| c.is_ascii_digit());
        if !(1..=63).contains(&name.len()) || !starts_well || !name.chars().all(is_word) {
            return Err(InvalidSchemaName(name.to_owned()));
        }
        name.clone_into(&mut self.schema);
        Ok(self)
    }

    /// The mode that a new log gets, [`Mode::Keyed`] by default; opening a log of another mode is then
    /// an error. If no mode is asked for, a log is opened in its own.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Whether opening migrates first; it does not by default.
    #[must_use]
    pub const fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// How long a lock is waited for; 5 s by default.
    #[must_use]
    pub const fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long the server may take to answer a statement, besides the lock timeout; 5 minutes by default.
    /// After that the connection counts as lost, as if a network or a host had gone without a word, and is
    /// closed: an append ends with an unknown outcome, a read is sent once more on another connection. Not
    /// for what opens or creates a log, nor for a transaction of the caller's.
    #[must_use]
    pub const fn socket_timeout(mut self, timeout: Duration) -> Self {
        self.socket_timeout = timeout;
        self
    }

    /// How often the server is asked for appends of other processes while somebody waits for them;
    /// every 20 ms by default.
    #[must_use]
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How many batches may be on their way to the server at a time, at least 1 and 2 by default: besides
    /// those that wait for a lock and, in the keyed mode, one append that goes ahead by itself. A further
    /// one is sent once no fewer appends wait than are under way. What is under way for more than 50 ms no
    /// longer counts, up to as many batches again, so that nobody waits with a connection that has fallen
    /// silent.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = if workers == 0 { 1 } else { workers };
        self
    }

    /// How many connections of the pool the store may keep between calls, which saves going through the
    /// pool each time; 16 by default, and never more than half the pool.
    #[must_use]
    pub const fn held_connections(mut self, connections: usize) -> Self {
        self.held = connections;
        self
    }

    /// How many appends, and about how many bytes of them, share one commit at most; 256 and 16 MiB by
    /// default. Several appends share one only up to 1,000 events.
    #[must_use]
    pub const fn batch(mut self, appends: usize, bytes: usize) -> Self {
        self.batch_appends = if appends == 0 { 1 } else { appends };
        self.batch_bytes = bytes;
        self
    }

    /// How many names one commit may lock before it locks the whole log; 64 by default, at least 8. Each
    /// takes a place in the server's lock table (`max_locks_per_transaction`); where that is full, the
    /// whole log is locked as well.
    #[must_use]
    pub const fn batch_names(mut self, names: usize) -> Self {
        self.batch_names = if names < 8 { 8 } else { names };
        self
    }

    /// The SQL that creates the log, for an application's own migration tool. Runs once, in one
    /// transaction.
    #[must_use]
    pub fn sql(&self) -> String {
        create::creation(&self.schema, self.mode.unwrap_or_default())
    }

    /// Creates the log if there is none. Safe to call each time and from several processes at once.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`](crate::Error) that says why.
    pub async fn migrate(&self, pool: &PgPool) -> Result<(), StoreError> {
        Ok(create::migrate(self, pool).await?)
    }

    /// Opens the log through a pool of the caller's.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`](crate::Error) that says why.
    pub async fn open(self, pool: PgPool) -> Result<PostgresStore, StoreError> {
        PostgresStore::open_with(self, pool).await
    }

    /// Opens the log through a pool of its own, of up to 32 connections.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn connect(self, url: &str) -> Result<PostgresStore, StoreError> {
        PostgresStore::connect_with(self, url).await
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// A name that no schema of a log may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be the schema of a log: 1 to 63 ASCII letters, digits and underscores, not \
     beginning with a digit or `pg_`"
)]
pub struct InvalidSchemaName(String);
