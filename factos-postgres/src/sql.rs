//! The SQL that makes a log, and the statements that are sent to one.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Postgres, postgres::PgArguments, query::Query};

use crate::mode::Mode;

/// The columns of an event, in the order of the table.
pub(crate) const COLUMNS: &str =
    "position, id, stream, revision, type, version, tags, metadata, recorded_at, payload";

/// What keeps the events and the positions, which stays when a log is upgraded.
const TABLES: &str = include_str!("sql/tables.sql");

/// The type of the rows that the functions return, and what keeps the log append-only. Both came with format 2.
const EVENT_ROW: &str = include_str!("sql/event_row.sql");
const TRIGGERS: &str = include_str!("sql/triggers.sql");

/// What works on them, in any mode, a file for each topic. It calls functions that each mode defines.
const FUNCTIONS: [&str; 8] = [
    include_str!("sql/incarnation.sql"),
    include_str!("sql/append.sql"),
    include_str!("sql/conditions.sql"),
    include_str!("sql/insert.sql"),
    include_str!("sql/stretch.sql"),
    include_str!("sql/read.sql"),
    include_str!("sql/read_many.sql"),
    include_str!("sql/pages.sql"),
];

/// What only people use, at a SQL prompt: a log may lack it.
pub(crate) const EVENT_VIEW: &str = include_str!("sql/event_view.sql");

/// What a hook may have changed for whoever uses its connection next.
pub(crate) const SESSION: &str = "pg_catalog.concat_ws(',', current_user, session_user,
    pg_catalog.current_setting('search_path'), pg_catalog.current_setting('session_replication_role'),
    pg_catalog.current_setting('default_transaction_isolation'), pg_catalog.current_setting('row_security'),
    pg_catalog.current_setting('TimeZone'), pg_catalog.current_setting('DateStyle'),
    pg_catalog.current_setting('bytea_output'))";

/// Sets the timeouts of the further statements of a transaction: the parameters of an append, and one more.
const TIMEOUTS: &str = "pg_catalog.set_config('lock_timeout', $22, true),
    pg_catalog.set_config('statement_timeout', CASE
        WHEN pg_catalog.current_setting('statement_timeout') OPERATOR(pg_catalog.=) '0' THEN $25
        ELSE pg_catalog.current_setting('statement_timeout') END, true)";

/// Functions that logs of this format had and have no longer.
pub(crate) const FORMER_FUNCTIONS: [&str; 1] = ["_rarest_tag"];

/// Functions that logs of this format have and did not have before.
const LATER_FUNCTIONS: [&str; 1] = ["wait_past"];
const LATER_FUNCTIONS_OF_KEYED_LOGS: [&str; 1] = ["append_one"];

/// The tables of a log of this mode.
pub(crate) fn tables(mode: Mode) -> Vec<&'static str> {
    let positions = match mode {
        Mode::Keyed => include_str!("sql/keyed_default/sequence.sql"),
        Mode::Portable => include_str!("sql/portable/head.sql"),
    };
    vec![TABLES, positions]
}

/// What a log of this mode has besides its tables and functions.
pub(crate) fn type_and_triggers(mode: Mode) -> Vec<&'static str> {
    let of_mode: &[&str] = match mode {
        Mode::Keyed => &[],
        Mode::Portable => &[include_str!("sql/portable/head_trigger.sql")],
    };
    [&[EVENT_ROW, TRIGGERS], of_mode].concat()
}

/// The functions of a log of this mode, which use its type.
pub(crate) fn functions(mode: Mode) -> Vec<&'static str> {
    let of_mode: &[&str] = match mode {
        Mode::Keyed => &[
            include_str!("sql/keyed_default/positions.sql"),
            include_str!("sql/keyed_default/locks.sql"),
            include_str!("sql/keyed_default/horizon.sql"),
            include_str!("sql/keyed_default/append_one.sql"),
        ],
        Mode::Portable => &[
            include_str!("sql/portable/positions.sql"),
            include_str!("sql/portable/locks.sql"),
            include_str!("sql/portable/horizon.sql"),
        ],
    };
    [&FUNCTIONS, of_mode].concat()
}

/// The functions of a log of this format and mode that an earlier version of this crate did not make.
pub(crate) fn later_functions(mode: Mode) -> Vec<&'static str> {
    let of_mode: &[&str] = match mode {
        Mode::Keyed => &LATER_FUNCTIONS_OF_KEYED_LOGS,
        Mode::Portable => &[],
    };
    [&LATER_FUNCTIONS, of_mode].concat()
}

/// The names of these functions.
pub(crate) fn function_names(mode: Mode) -> Vec<String> {
    let files = functions(mode);
    let after = files.iter().flat_map(|file| file.split("CREATE FUNCTION factos.").skip(1));
    after.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name.to_owned()).collect()
}

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
    /// The same for one event, in a transaction of its own. Only a keyed log has it.
    pub(crate) append_one: Statement,
    /// The same before a hook, with what the session looks like, its process and the number of the
    /// transaction.
    pub(crate) append_before_hook: Statement,
    /// The same in a transaction of the store's, whose further statements end with the timeout for locks and with
    /// another one, unless the session has that.
    pub(crate) append_with_timeouts: Statement,
    pub(crate) read: Statement,
    pub(crate) read_many: Statement,
    pub(crate) page: Statement,
    /// The next page of everything, without a function that would copy it.
    pub(crate) plain_page: Statement,
    pub(crate) head: Statement,
    pub(crate) wait_past: Statement,
    pub(crate) incarnation: Statement,
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
        let append = |more: &str| {
            let columns = "held, verdicts, findings, positions, revisions, recorded_at";
            statement(format!("SELECT {columns}{more} FROM {}", call("append", 24)))
        };
        let place = format!(
            ", {SESSION}, pg_catalog.pg_backend_pid(), pg_catalog.txid_current_if_assigned()"
        );
        Self {
            append: append(""),
            append_one: statement(format!("SELECT {}", call("append_one", 14))),
            append_before_hook: append(&place),
            append_with_timeouts: append(&format!("{place}, {TIMEOUTS}")),
            read: statement(format!("SELECT {COLUMNS} FROM {}", call("read", 12))),
            read_many: statement(format!("SELECT {COLUMNS}, item FROM {}", call("read_many", 12))),
            page: statement(format!("SELECT {COLUMNS} FROM {}", call("page", 10))),
            head: statement(format!("SELECT position, id FROM {}", call("last_event", 2))),
            wait_past: statement(format!("SELECT position, id FROM {}", call("wait_past", 5))),
            incarnation: statement(format!(
                "SELECT server, is_in_recovery, log_id::pg_catalog.text, head, missing FROM {}",
                call("incarnation", 3)
            )),
            // The check is made once, before any row.
            plain_page: statement(format!(
                "SELECT {COLUMNS} FROM \"{schema}\".events
                 WHERE position OPERATOR(pg_catalog.>) $1 AND position OPERATOR(pg_catalog.<=) $2
                   AND (SELECT \"{schema}\"._check_plain($4)) ORDER BY position LIMIT $3"
            )),
        }
    }
}
