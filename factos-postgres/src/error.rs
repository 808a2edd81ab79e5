use std::{borrow::Cow, io, sync::Arc, time::Duration};

use factos::{AppendError, SequencePosition, StoreError, StoreErrorKind};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::mode::Mode;

/// Part of the driver's message if it was built without encryption.
const WITHOUT_TLS: &str = "without TLS support";

/// Shared by all the appends that one failure ends.
type Cause = Arc<sqlx::Error>;

/// The error of a log in a PostgreSQL database.
///
/// It reaches callers inside a [`StoreError`]; [`StoreError::downcast_ref`] finds it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another transaction held a lock for longer than the lock timeout: an append in flight, or a
    /// transaction that a caller keeps open.
    #[error("a lock of the log was not to be had in {} ms, as Config::lock_timeout says", waited.as_millis())]
    Locked {
        /// The lock timeout.
        waited: Duration,
    },
    /// The transaction lost against others: a deadlock, a serialization failure, or an id that another
    /// transaction committed after this one had looked for it. The store retries its own
    /// transactions several times; one of the caller's can only be rolled back and begun anew.
    #[error("the transaction lost against others")]
    Contended(#[source] Cause),
    /// The pool gave no connection before its timeout.
    #[error(
        "the pool had no connection to give in time: give it more, or a longer acquire_timeout"
    )]
    PoolExhausted,
    /// The server accepts no more connections.
    #[error(
        "the server accepts no more connections: raise its max_connections, or lower those of the pools"
    )]
    ServerFull(#[source] Cause),
    /// The server cannot be reached, or is starting or stopping. Nothing was written.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Cause),
    /// The URL of the database is none, or has a part that the driver does not know.
    #[error("the URL of the database cannot be used")]
    Url(#[source] Cause),
    /// A part of the URL of the database, or a variable of the environment, that asks for what the driver does
    /// not do, or that names a file which does not exist.
    #[error("the parameter {name} {why}")]
    UrlParameter {
        /// The parameter or the variable.
        name: String,
        /// What is wrong with it.
        why: Cow<'static, str>,
    },
    /// No encrypted connection could be made: the server offers none, or its certificate is not trusted.
    #[error("an encrypted connection could not be made")]
    Encryption(#[source] Cause),
    /// The URL asks for an encrypted connection, and the driver was built without encryption.
    #[error("encrypted connections need the feature `tls` of factos-postgres")]
    NoEncryption,
    /// The server cancelled a statement, by its timeout or on request. Nothing was written.
    #[error("the server gave up the statement")]
    Cancelled(#[source] Cause),
    /// A batch was sent, and no answer came that says what became of it: the connection was lost or ended by the
    /// server or a pooler, the answer took too long, or it cannot be read. The batch may or may not be in the
    /// log.
    #[error("the connection was lost, the outcome is unknown")]
    ConnectionLost(#[source] Cause),
    /// An answer came after a batch was sent, but it does not tell what became of the batch: it may or may not
    /// be in the log.
    #[error("the answer does not tell the outcome of an append, which is unknown")]
    NoOutcome(#[source] Cause),
    /// A hook went out of its way to end the transaction of its append. What became of the batch is what became of
    /// that transaction: it is in the log if that is committed.
    #[error("a hook ended the transaction of its append, which is {}", status.as_deref().unwrap_or("unknown"))]
    EndedByHook {
        /// What the server says of the transaction: "committed", "in progress" if it was prepared; none if it does
        /// not know.
        status: Option<String>,
    },
    /// The runtime that the batch was sent on ended: it may or may not be in the log.
    #[error("the runtime of the store's writer ended, the outcome is unknown")]
    WriterGone,
    /// The runtime that the append waited on ended before the batch was sent. Nothing was written.
    #[error("the runtime of the store's writer ended before the batch was sent")]
    NotSent,
    /// The server has no room left. Nothing was written.
    #[error("the server has no room left")]
    Full(#[source] Cause),
    /// The server refused the user or the password.
    #[error("the server refused the user or the password")]
    Denied(#[source] Cause),
    /// There is no such database.
    #[error("the database does not exist: create it first")]
    MissingDatabase(#[source] Cause),
    /// The role lacks a privilege that the statement needs.
    #[error("the role lacks a privilege")]
    Privilege(#[source] Cause),
    /// The server is a standby, as for a moment during a failover, or a transaction was set to read only. Nothing was
    /// written.
    #[error("the server is read-only, appends go to the primary")]
    ReadOnly(#[source] Cause),
    /// The log is keyed and the server a standby, where its locks mean nothing: neither reads nor appends. During a
    /// failover an address may lead to one for a moment.
    #[error("the log in schema {schema} is keyed and the server a standby: use it on the primary")]
    Standby {
        /// The schema.
        schema: String,
    },
    /// Another server answers than before, or another run of it, and was not yet verified to hold the same log.
    /// The store verifies it and sends the statement again by itself. A transaction of the caller's can only
    /// be rolled back and begun anew.
    #[error("another server answers than before: roll back and begin the transaction anew")]
    OtherServer,
    /// The server that answers lacks events that this handle was told of, as after a failover to a standby
    /// that lagged, or after a restore. Decisions and checkpoints that rest on them are wrong. Every call of
    /// the handle is refused until the log is opened again.
    #[error("the log went back from {known} to {found}, or holds other events: open it again")]
    WentBack {
        /// The last position that the handle was told of.
        known: u64,
        /// The last position that the server has.
        found: u64,
    },
    /// The server that answers is a standby that has not yet received all that this handle was told of.
    #[error("the standby is behind: it goes up to {found}, and {known} is known")]
    Behind {
        /// The last position that the handle was told of.
        known: u64,
        /// The last position that the standby has.
        found: u64,
    },
    /// The server that answers holds another log under the same name. Every call of the handle is refused
    /// until the log is opened again.
    #[error("the server holds another log, {found} and not {expected}: open it again")]
    OtherLog {
        /// The identity of the log that was opened.
        expected: String,
        /// The identity of the log that is there.
        found: String,
    },
    /// The caller's transaction runs at another isolation level than READ COMMITTED.
    #[error("the transaction is not READ COMMITTED, at other levels a check would miss events")]
    Isolation,
    /// The schema does not hold a log.
    #[error("schema {schema} holds no log: Config::create(true) or Config::migrate creates it")]
    MissingSchema {
        /// The schema.
        schema: String,
    },
    /// The schema lacks parts of the log, as after a restore of some of its tables, or where its SQL was run by a
    /// tool that went on after an error. Restore all of the schema, or create the log anew. A log that lacks functions
    /// because an earlier version of this crate made it gets them by [`Config::migrate`](crate::Config::migrate).
    #[error("the log in schema {schema} is not whole, restore all of it, or call Config::migrate if an earlier version made it: it lacks {}", missing.join(", "))]
    Incomplete {
        /// The schema.
        schema: String,
        /// What is not there.
        missing: Vec<String>,
    },
    /// The role lacks privileges that the log needs: [`Config::grants`](crate::Config::grants).
    #[error("the role lacks {}; its owner runs: {}", missing.join(", "), grants.trim_end().replace('\n', " "))]
    MissingPrivileges {
        /// What the role may not do.
        missing: Vec<String>,
        /// The statements that let it.
        grants: String,
    },
    /// Policies of row-level security apply to this role: hidden events would be missing in decisions.
    #[error(
        "row-level security applies to {} of schema {schema}: decisions would miss hidden events",
        tables.join(", ")
    )]
    RowSecurity {
        /// The schema.
        schema: String,
        /// The tables with policies.
        tables: Vec<String>,
    },
    /// The database does not store text as UTF-8, so not every name or tag fits.
    #[error("the database is encoded in {found}: a log needs UTF8")]
    Encoding {
        /// The encoding of the database.
        found: String,
    },
    /// A default of the role, the database or the pool makes transactions in which the log cannot be used, and
    /// which the store cannot set for a statement of its own. Set it for the connections of the pool, or reset
    /// it with `ALTER ROLE` or `ALTER DATABASE`.
    #[error("{setting} is {found} for this role, database or pool: the log cannot be used so")]
    SessionDefault {
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
    },
    /// Names without a schema mean this schema, as where the role has its name: the application's own tables
    /// would be created in the middle of the log.
    #[error(
        "the search_path of this role leads to schema {schema} first: give the log a schema of \
         another name, or the role another search_path"
    )]
    SchemaInSearchPath {
        /// The schema.
        schema: String,
    },
    /// The schema holds tables that something else made.
    #[error(
        "schema {schema} is in use by something else: give the log another one with Config::schema"
    )]
    ForeignSchema {
        /// The schema.
        schema: String,
    },
    /// The log is older than this version of the crate.
    #[error(
        "the log in schema {schema} has format {found}, older than {known}: upgrade it with Config::migrate"
    )]
    OlderFormat {
        /// The schema.
        schema: String,
        /// The format of the log.
        found: i32,
        /// The format that this version of the crate knows.
        known: i32,
    },
    /// The log is newer than this version of the crate.
    #[error(
        "the log in schema {schema} was written by a newer version of factos-postgres, use that one: its \
         format is {found}, this version knows {known}"
    )]
    NewerFormat {
        /// The schema.
        schema: String,
        /// The format of the log.
        found: i32,
        /// The newest format that this version of the crate knows.
        known: i32,
    },
    /// The log was created with another rule for the names of its locks: two rules on one log would not
    /// exclude each other.
    #[error("the log in schema {schema} locks by rule {found}, this version by rule {known}")]
    OtherLockRule {
        /// The schema.
        schema: String,
        /// The rule of the log.
        found: i32,
        /// The rule of this version of the crate.
        known: i32,
    },
    /// The log was created in another mode than the one asked for.
    #[error("the log in schema {schema} is {found}, and Config::mode says {expected}")]
    OtherMode {
        /// The schema.
        schema: String,
        /// The mode of the log.
        found: String,
        /// The mode asked for.
        expected: Mode,
    },
    /// The engine's advisory locks do not exclude, so a keyed log would lose decisions.
    #[error("the engine's advisory locks do not {what}: use the portable mode")]
    NoLocks {
        /// What they do not do.
        what: &'static str,
    },
    /// The sequence of a keyed log stands below its last position, as after a restore by hand.
    #[error("the next position is {next}, but the log in schema {schema} goes up to {last}")]
    PositionsBehind {
        /// The schema.
        schema: String,
        /// What the sequence would give.
        next: i64,
        /// The last position.
        last: i64,
    },
    /// A stored event is damaged.
    #[error("the event at position {position} is damaged in {what}")]
    CorruptEvent {
        /// Where it stands.
        position: SequencePosition,
        /// Which part of it.
        what: &'static str,
    },
    /// The server's answer is not one of the schema's functions.
    #[error("the server's answer cannot be understood: {0}")]
    Answer(&'static str),
    /// The server found its data damaged.
    #[error("the server found its data damaged")]
    Corrupt(#[source] Cause),
    /// The pool was closed.
    #[error("the pool was closed: open the store with a new one")]
    Closed,
    /// The server failed in another way, and rolled back what an append had written.
    #[error("the server failed")]
    Postgres(#[source] Cause),
}

/// Whether an append may have reached its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Yes,
    No,
}

impl Error {
    /// The error of a statement; `waited` is its lock timeout.
    pub(crate) fn of(error: sqlx::Error, sent: Sent, waited: Duration) -> Self {
        if sent == Sent::Yes && !rolls_back(&error) {
            return Self::unknown(Arc::new(error));
        }
        Self::of_cause(Arc::new(error), waited)
    }

    /// The error of a statement after which nothing is unknown.
    fn of_cause(cause: Cause, waited: Duration) -> Self {
        match &*cause {
            sqlx::Error::PoolTimedOut => Self::PoolExhausted,
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Configuration(_) => Self::Url(cause),
            sqlx::Error::Tls(tls) if tls.to_string().contains(WITHOUT_TLS) => Self::NoEncryption,
            sqlx::Error::Tls(_) => Self::Encryption(cause),
            // A certificate that is not trusted.
            sqlx::Error::Io(io) if io.kind() == io::ErrorKind::InvalidData => {
                Self::Encryption(cause)
            }
            sqlx::Error::Database(_) => Self::of_database(cause, waited),
            // The connection is lost.
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::Unreachable(cause)
            }
            _ => Self::Postgres(cause),
        }
    }

    /// The error of an append that was sent, and that did not certainly fail.
    fn unknown(cause: Cause) -> Self {
        match &*cause {
            sqlx::Error::Database(_)
            | sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Self::ConnectionLost(cause),
            _ => Self::NoOutcome(cause),
        }
    }

    /// The error of an append whose answer came, and cannot be understood.
    pub(crate) fn no_verdict(what: &'static str) -> Self {
        Self::NoOutcome(Arc::new(sqlx::Error::Decode(what.into())))
    }

    fn of_database(cause: Cause, waited: Duration) -> Self {
        match &*sqlstate(&cause).unwrap_or_default() {
            "55P03" => Self::Locked { waited },
            "40001" | "40P01" => Self::Contended(cause),
            "23505" if is_of_an_id(&cause) => Self::Contended(cause),
            "25001" => Self::Isolation,
            "FC002" => Self::OtherServer,
            "25006" => Self::ReadOnly(cause),
            "53300" => Self::ServerFull(cause),
            "53100" => Self::Full(cause),
            "57014" => Self::Cancelled(cause),
            "28P01" | "28000" => Self::Denied(cause),
            "3D000" => Self::MissingDatabase(cause),
            "42501" => Self::Privilege(cause),
            "XX001" | "XX002" => Self::Corrupt(cause),
            // The server or a pooler ends the connection.
            code if ends_connection(code) => Self::Unreachable(cause),
            _ => Self::Postgres(cause),
        }
    }

    /// Whether the connection can no longer be used, or leads to a server that is of no use: those of the same age
    /// lead there as well, and a new one may lead elsewhere.
    pub(crate) const fn is_of_connection(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::ConnectionLost(_)
                | Self::Standby { .. }
                | Self::ReadOnly(_)
        )
    }

    const fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Locked { .. }
            | Self::Contended(_)
            | Self::PoolExhausted
            | Self::ServerFull(_)
            | Self::Cancelled(_)
            | Self::OtherServer
            | Self::Behind { .. }
            | Self::NotSent => StoreErrorKind::Busy,
            // A primary that steps down is a standby before the address leads elsewhere.
            Self::Unreachable(_) | Self::Standby { .. } | Self::ReadOnly(_) => {
                StoreErrorKind::Unavailable
            }
            Self::ConnectionLost(_)
            | Self::NoOutcome(_)
            | Self::EndedByHook { .. }
            | Self::WriterGone => StoreErrorKind::OutcomeUnknown,
            Self::Full(_) => StoreErrorKind::Full,
            Self::CorruptEvent { .. }
            | Self::Corrupt(_)
            | Self::WentBack { .. }
            | Self::OtherLog { .. } => StoreErrorKind::Corrupt,
            Self::MissingSchema { .. }
            | Self::Incomplete { .. }
            | Self::RowSecurity { .. }
            | Self::Encoding { .. }
            | Self::SessionDefault { .. }
            | Self::SchemaInSearchPath { .. }
            | Self::ForeignSchema { .. }
            | Self::OlderFormat { .. }
            | Self::NewerFormat { .. }
            | Self::OtherLockRule { .. }
            | Self::OtherMode { .. }
            | Self::NoLocks { .. }
            | Self::PositionsBehind { .. }
            | Self::Answer(_) => StoreErrorKind::Incompatible,
            Self::Denied(_)
            | Self::Url(_)
            | Self::UrlParameter { .. }
            | Self::Encryption(_)
            | Self::NoEncryption
            | Self::MissingDatabase(_)
            | Self::Privilege(_)
            | Self::MissingPrivileges { .. }
            | Self::Isolation
            | Self::Closed
            | Self::Postgres(_) => StoreErrorKind::Other,
        }
    }
}

/// The error of a statement on a connection of the caller's.
pub(crate) fn of_caller(error: sqlx::Error) -> StoreError {
    let cause = Arc::new(error);
    let kind = Error::of_cause(Arc::clone(&cause), Duration::ZERO).kind();
    StoreError::new(kind, cause)
}

/// The kind of an error that says nothing of the statement: it lost against another transaction, or its connection.
#[cfg(feature = "consumer")]
pub(crate) fn kind_of_loss(error: &sqlx::Error) -> Option<StoreErrorKind> {
    let code = sqlstate(error).unwrap_or_default();
    let is_lost =
        matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed);
    match &*code {
        "40001" | "40P01" => Some(StoreErrorKind::Busy),
        code if is_lost || ends_connection(code) => Some(StoreErrorKind::Unavailable),
        _ => None,
    }
}

/// The SQLSTATE of an error of the server.
pub(crate) fn sqlstate(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// The classes of the errors that end a statement and roll it back.
const ROLLED_BACK: [&str; 35] = [
    "0A", "20", "21", "22", "23", "24", "25", "26", "27", "28", "2B", "2D", "2F", "34", "38", "39",
    "3B", "3D", "3F", "40", "42", "44", "53", "54", "55", "57", "58", "F0", "FC", "HV", "P0", "XX",
    "72", "0L", "0P",
];

/// Whether the server says by this error that the statement is rolled back, so that an append wrote nothing.
/// Any other answer may also come after the commit: from a server that ends the connection, or from a pooler
/// that lost it.
pub(crate) fn rolls_back(error: &sqlx::Error) -> bool {
    // The driver could not write the parameters, and sent nothing.
    if matches!(error, sqlx::Error::Encode(_)) {
        return true;
    }
    let Some(database) = error.as_database_error() else { return false };
    let is_of_statement = database
        .try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|error| error.severity() == PgSeverity::Error);
    let is_known = |code: &str| {
        let class = code.get(..2).unwrap_or_default();
        ROLLED_BACK.contains(&class)
            && code != STATEMENT_COMPLETION_UNKNOWN
            && !ends_connection(code)
    };
    is_of_statement && database.code().is_some_and(|code| is_known(&code))
}

/// Whether an event has an id that another transaction had inserted, and committed meanwhile.
fn is_of_an_id(error: &sqlx::Error) -> bool {
    let constraint = error.as_database_error().and_then(|error| error.constraint());
    constraint == Some("events_id_key")
}

const STATEMENT_COMPLETION_UNKNOWN: &str = "40003";

/// Whether the SQLSTATE tells that a connection is lost or being ended.
fn ends_connection(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P0")
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        StoreError::from(error).into()
    }
}
