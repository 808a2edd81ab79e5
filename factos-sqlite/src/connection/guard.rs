//! What the SQL of a caller may do within a transaction of the store's.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
};

/// The tables and the view of the log.
const OWN: [&str; 5] = ["event", "posting", "term", "info", "event_view"];

/// What consumers keep.
const OF_CONSUMERS: [&str; 5] = [
    "factos_consumer",
    "factos_consumer_format",
    "factos_consumer_parked",
    "factos_consumer_partition",
    "factos_consumer_process",
];

/// Pragmas that only tell something, without a value to set.
const TELLING: [&str; 21] = [
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "defer_foreign_keys",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "journal_mode",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "recursive_triggers",
    "schema_version",
    "synchronous",
    "table_list",
    "temp_store",
    "user_version",
];

/// Pragmas whose value is what they tell about, or that end with the transaction.
const HARMLESS: [&str; 10] = [
    "defer_foreign_keys",
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_xinfo",
];

/// Whether the code of a caller is running. A clone is the same guard.
///
/// SQLite asks for leave when it compiles a statement, so what is compiled for the log itself stays usable, and
/// nothing is compiled anew when the guard is raised. A caller that asks the cache for the very text of a statement
/// of the log's gets that: those that would do harm have a comment that no statement of a caller has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard(Arc<AtomicBool>);

impl Guard {
    /// Has this connection ask the guard from now on.
    pub(crate) fn install(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let raised = Arc::clone(&self.0);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if raised.load(Ordering::Relaxed) && !is_allowed(&context.action) {
                Authorization::Deny
            } else {
                Authorization::Allow
            }
        }))?;
        // After a rollback that nobody asked for, as by INSERT OR ROLLBACK, each statement would be committed by
        // itself.
        let raised = Arc::clone(&self.0);
        connection.commit_hook(Some(move || raised.load(Ordering::Relaxed)))
    }

    /// Runs the code of a caller.
    pub(crate) fn raised<T>(&self, f: impl FnOnce() -> T) -> T {
        self.with(true, f)
    }

    /// Runs the store's own code within that of a caller.
    pub(crate) fn lowered<T>(&self, f: impl FnOnce() -> T) -> T {
        self.with(false, f)
    }

    fn with<T>(&self, raised: bool, f: impl FnOnce() -> T) -> T {
        let _restored = Restored(self, self.0.swap(raised, Ordering::Relaxed));
        f()
    }
}

/// Puts the guard back, also after a panic.
struct Restored<'a>(&'a Guard, bool);

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.0.0.store(self.1, Ordering::Relaxed);
    }
}

fn is_allowed(action: &AuthAction<'_>) -> bool {
    use AuthAction as A;
    match *action {
        A::Read { .. } | A::Select | A::Function { .. } | A::Recursive | A::Reindex { .. } => true,
        A::Insert { table_name }
        | A::Update { table_name, .. }
        | A::Delete { table_name }
        | A::Analyze { table_name }
        | A::CreateTable { table_name }
        | A::CreateTempTable { table_name }
        | A::CreateIndex { table_name, .. }
        | A::CreateTempIndex { table_name, .. }
        | A::CreateVtable { table_name, .. }
        | A::DropTable { table_name }
        | A::DropTempTable { table_name }
        | A::DropIndex { table_name, .. }
        | A::DropTempIndex { table_name, .. }
        | A::DropTrigger { table_name, .. }
        | A::DropTempTrigger { table_name, .. }
        | A::DropVtable { table_name, .. } => !is_own(table_name),
        A::CreateView { view_name }
        | A::CreateTempView { view_name }
        | A::DropView { view_name }
        | A::DropTempView { view_name } => !is_own(view_name),
        // A temporary table could take the name of one of the log's, and its place.
        A::AlterTable { database_name, table_name } => {
            !is_own(table_name) && !database_name.eq_ignore_ascii_case("temp")
        }
        A::Pragma { pragma_name, pragma_value } => {
            let name = pragma_name.to_ascii_lowercase();
            pragma_value.is_none() && TELLING.contains(&&*name) || HARMLESS.contains(&&*name)
        }
        // Transactions and savepoints, other files, triggers (the writer's connection may run without them), and
        // what is not known yet.
        _ => false,
    }
}

fn is_own(name: &str) -> bool {
    let of_consumers: &[&str] = if cfg!(feature = "consumer") { &OF_CONSUMERS } else { &[] };
    OWN.iter().chain(of_consumers).any(|own| own.eq_ignore_ascii_case(name))
}
