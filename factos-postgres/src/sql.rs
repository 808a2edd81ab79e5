//! The SQL that makes a log, and the statements that are sent to one.

use std::sync::Arc;

use sqlx::AssertSqlSafe;

/// The columns of an event, in the order of the table.
pub(crate) const COLUMNS: &str =
    "position, id, stream, revision, type, version, tags, metadata, recorded_at, payload";

/// What makes a log of any mode, a file for each topic. It calls functions that each mode defines.
pub(crate) const EVERY_MODE: [&str; 8] = [
    include_str!("sql/tables.sql"),
    include_str!("sql/incarnation.sql"),
    include_str!("sql/append.sql"),
    include_str!("sql/conditions.sql"),
    include_str!("sql/insert.sql"),
    include_str!("sql/read.sql"),
    include_str!("sql/read_many.sql"),
    include_str!("sql/pages.sql"),
];

/// What the keyed mode, the default, adds.
pub(crate) const KEYED: [&str; 3] = [
    include_str!("sql/keyed_default/positions.sql"),
    include_str!("sql/keyed_default/locks.sql"),
    include_str!("sql/keyed_default/horizon.sql"),
];

/// What the portable mode adds instead.
pub(crate) const PORTABLE: [&str; 3] = [
    include_str!("sql/portable/positions.sql"),
    include_str!("sql/portable/locks.sql"),
    include_str!("sql/portable/horizon.sql"),
];

/// A statement that is prepared once a connection.
#[derive(Debug, Clone)]
pub(crate) struct Statement(Arc<str>);

impl Statement {
    pub(crate) fn text(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }
}

/// The statements of one log: the schema's name is the only part that varies.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) append: Statement,
    pub(crate) read: Statement,
    pub(crate) read_many: Statement,
    pub(crate) page: Statement,
    pub(crate) page_of_all: Statement,
    pub(crate) page_of_stream: Statement,
    pub(crate) head: Statement,
    pub(crate) incarnation: Statement,
}

impl Statements {
    /// The statements of the log in a schema whose name was checked.
    pub(crate) fn of(schema: &str) -> Self {
        let call = |what: &str, parameters: usize| {
            let numbers: Vec<_> = (1..=parameters).map(|n| format!("${n}")).collect();
            format!("\"{schema}\".{what}({})", numbers.join(", "))
        };
        // Looked at once, before any row.
        let is_verified =
            |parameter: usize| format!("(SELECT \"{schema}\"._check_server(${parameter}))");
        let statement = |text: String| Statement(text.into());
        Self {
            append: statement(format!(
                "SELECT held, verdicts, findings, positions, revisions, recorded_at FROM {}",
                call("append", 23)
            )),
            read: statement(format!("SELECT {COLUMNS} FROM {}", call("read", 12))),
            read_many: statement(format!("SELECT {COLUMNS}, item FROM {}", call("read_many", 12))),
            page: statement(format!(
                "SELECT {COLUMNS} FROM {} WHERE {}",
                call("_page_of_query", 6),
                is_verified(7)
            )),
            page_of_all: statement(format!(
                "SELECT {COLUMNS} FROM \"{schema}\".events
                 WHERE position > $1 AND position <= $2 AND {} ORDER BY position LIMIT $3",
                is_verified(4)
            )),
            page_of_stream: statement(format!(
                "SELECT {COLUMNS} FROM {} WHERE {}",
                call("_page_of_stream", 6),
                is_verified(7)
            )),
            head: statement(format!(
                "SELECT position, id FROM \"{schema}\".events
                 WHERE {} ORDER BY position DESC LIMIT 1",
                is_verified(1)
            )),
            incarnation: statement(format!(
                "SELECT server, is_in_recovery, log_id::text, head, missing FROM {}",
                call("incarnation", 2)
            )),
        }
    }
}
