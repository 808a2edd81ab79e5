//! The statements of one log: the schema's name is the only part that varies.

use std::sync::Arc;

use sqlx::AssertSqlSafe;

/// The columns of an event, in the order of the table.
pub(crate) const COLUMNS: &str =
    "position, id, stream, revision, type, version, tags, metadata, recorded_at, payload";

/// A statement that is prepared once a connection.
#[derive(Debug, Clone)]
pub(crate) struct Statement(Arc<str>);

impl Statement {
    pub(crate) fn text(&self) -> AssertSqlSafe<Arc<str>> {
        AssertSqlSafe(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) append: Statement,
    pub(crate) read: Statement,
    pub(crate) read_many: Statement,
    pub(crate) page: Statement,
    pub(crate) page_of_all: Statement,
    pub(crate) page_of_stream: Statement,
    pub(crate) head: Statement,
}

impl Statements {
    /// The statements of the log in a schema whose name was checked.
    pub(crate) fn of(schema: &str) -> Self {
        let call = |what: &str, parameters: usize| {
            let numbers: Vec<_> = (1..=parameters).map(|n| format!("${n}")).collect();
            format!("\"{schema}\".{what}({})", numbers.join(", "))
        };
        let statement = |text: String| Statement(text.into());
        Self {
            append: statement(format!(
                "SELECT held, kind, hit, pos, revs, at FROM {}",
                call("append", 22)
            )),
            read: statement(format!("SELECT {COLUMNS} FROM {}", call("read", 11))),
            read_many: statement(format!("SELECT {COLUMNS}, item FROM {}", call("read_many", 11))),
            page: statement(format!("SELECT {COLUMNS} FROM {}", call("_page", 6))),
            page_of_all: statement(format!(
                "SELECT {COLUMNS} FROM \"{schema}\".events
                 WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"
            )),
            page_of_stream: statement(format!("SELECT {COLUMNS} FROM {}", call("_stream_page", 6))),
            head: statement(format!("SELECT max(position) FROM \"{schema}\".events")),
        }
    }
}
