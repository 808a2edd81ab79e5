//! The SQL that makes a log, and the statements that are sent to one.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Postgres, postgres::PgArguments, query::Query};

/// The columns of an event, in the order of the table.
pub(crate) const COLUMNS: &str =
    "position, id, stream, revision, type, version, tags, metadata, recorded_at, payload";

/// What makes a log of any mode, a file for each topic. It calls functions that each mode defines.
pub(crate) const EVERY_MODE: [&str; 7] = [
    include_str!("sql/tables.sql"),
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

/// A statement that is prepared once a connection, or each time if connections keep none.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    text: Arc<str>,
    is_kept: bool,
}

impl Statement {
    pub(crate) fn query<'q>(&self) -> Query<'q, Postgres, PgArguments> {
        let text = AssertSqlSafe(Arc::clone(&self.text));
        // The driver would leave a prepared statement behind that it does not keep.
        sqlx::query(text).persistent(self.is_kept)
    }
}

/// The statements of one log: the schema's name is the only part that varies.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) append: Statement,
    pub(crate) read: Statement,
    pub(crate) read_many: Statement,
    pub(crate) page: Statement,
    /// The next page of everything, without a function that would copy it.
    pub(crate) plain_page: Statement,
    pub(crate) head: Statement,
}

impl Statements {
    /// The statements of the log in a schema whose name was checked. `are_kept` tells whether connections
    /// keep prepared statements.
    pub(crate) fn of(schema: &str, are_kept: bool) -> Self {
        let call = |what: &str, parameters: usize| {
            let numbers: Vec<_> = (1..=parameters).map(|n| format!("${n}")).collect();
            format!("\"{schema}\".{what}({})", numbers.join(", "))
        };
        let statement = |text: String| Statement { text: text.into(), is_kept: are_kept };
        Self {
            append: statement(format!(
                "SELECT held, verdicts, findings, positions, revisions, recorded_at FROM {}",
                call("append", 22)
            )),
            read: statement(format!("SELECT {COLUMNS} FROM {}", call("read", 11))),
            read_many: statement(format!("SELECT {COLUMNS}, item FROM {}", call("read_many", 11))),
            page: statement(format!("SELECT {COLUMNS} FROM {}", call("page", 9))),
            plain_page: statement(format!(
                "SELECT {COLUMNS} FROM \"{schema}\".events
                 WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"
            )),
            head: statement(format!("SELECT {}", call("last_position", 1))),
        }
    }
}
