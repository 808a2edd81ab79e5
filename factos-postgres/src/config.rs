use std::time::Duration;

use crate::{durability::Durability, mode::Mode};

/// The settings with which a log is created and opened.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) schema: String,
    pub(crate) mode: Option<Mode>,
    pub(crate) create: bool,
    pub(crate) durability: Durability,
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
    /// The settings of a log in the schema `factos`, with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            schema: "factos".to_owned(),
            mode: None,
            create: false,
            durability: Durability::Full,
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

    /// Whether opening [migrates](Self::migrate) first; it does not by default.
    #[must_use]
    pub const fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// The failures that an acknowledged append survives. It does not apply to
    /// [`append_in`](crate::PostgresStore::append_in): the transaction is the caller's.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long to wait for a lock; 5 s by default.
    #[must_use]
    pub const fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long the server may take to answer a statement, besides the lock timeout; 5 minutes by default.
    /// After that the connection counts as lost, as if a network or a host had gone without a word, and is
    /// closed: an append ends with an unknown outcome, a read is sent once more on another connection. It
    /// applies neither to opening or creating a log nor to a transaction of the caller's.
    #[must_use]
    pub const fn socket_timeout(mut self, timeout: Duration) -> Self {
        self.socket_timeout = timeout;
        self
    }

    /// How often to look for appends of other processes while somebody waits for them; every 20 ms by default.
    ///
    /// Once nothing has come for an interval, one statement for all who wait looks on the server, twice an interval, for
    /// up to a second before it is sent again. It takes a connection for that time. Where the pool has fewer than four
    /// connections, or half of it is in use by others, or the interval is a second or more, each look is a statement.
    ///
    /// An append through the store itself wakes its followers at once. If they were woken in the last 4 ms they
    /// go on after that, and in the last 40 ms if eight events or more came since, unless they are 4,096
    /// positions behind: so that followers leave a busy log its speed.
    #[must_use]
    pub const fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How many groups of appends may be in flight at a time, at least 1 and 2 by default. Groups that wait
    /// for a lock are not counted, nor, in the keyed mode, one append that is sent ahead by itself. A further
    /// group is sent once at least as many appends are queued as are in flight. A group that is in flight for
    /// more than 50 ms is no longer counted, up to as many groups again, so that a connection that has fallen
    /// silent holds nobody up. A handle with a hook has half as many, rounded up: the transaction of its next group
    /// begins in the message that commits the one before.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = if workers == 0 { 1 } else { workers };
        self
    }

    /// How many connections of the pool the store may keep between calls, which saves going through the
    /// pool each time; 16 by default. All stores of a pool together never keep more than half of it.
    #[must_use]
    pub const fn held_connections(mut self, connections: usize) -> Self {
        self.held = connections;
        self
    }

    /// How many appends, and about how many bytes of them, may share one commit; 256 and 16 MiB by default. A
    /// group of several appends holds at most 1,000 events.
    #[must_use]
    pub const fn batch(mut self, appends: usize, bytes: usize) -> Self {
        self.batch_appends = if appends == 0 { 1 } else { appends };
        self.batch_bytes = bytes;
        self
    }

    /// How many names one commit may lock; 64 by default, at least 8. A commit with more names locks the whole
    /// log. Each name takes an entry in the server's lock table (`max_locks_per_transaction`); where that is
    /// full, the whole log is locked as well.
    ///
    /// An idempotency key is a name. Where a [`Dispatcher`](factos::Dispatcher) has more than about sixty commands with
    /// keys in one batch, a higher number lets them lock only what they need.
    #[must_use]
    pub const fn batch_names(mut self, names: usize) -> Self {
        self.batch_names = if names < 8 { 8 } else { names };
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// The error of a name that no schema of a log may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be the schema of a log: 1 to 63 ASCII letters, digits and underscores, not \
     beginning with a digit or `pg_`"
)]
pub struct InvalidSchemaName(String);
