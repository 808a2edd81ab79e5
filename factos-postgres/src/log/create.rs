use factos::StoreError;
use sqlx::{AssertSqlSafe, Executor, PgPool, Postgres, Transaction};

use super::{
    check::{FORMAT, State, state},
    event_view, functions,
    transaction::begin_to_write,
};
use crate::{
    config::Config,
    error::{Error, Sent, sqlstate},
    lock_names,
    mode::Mode,
    sql::{self, EVENT_VIEW, FORMER_FUNCTIONS},
};

/// The lock classes in the SQL as it is written, for the schema `factos`.
const CLASSES: [&str; 2] = ["1178796033", "1178796034"];

const CREATE_SCHEMA: &str = "CREATE SCHEMA factos;\n";

/// Nothing of the log is made of what somebody else put into the caller's `search_path`.
const PIN_PATH: &str = "
SELECT pg_catalog.set_config('factos_saved.path', pg_catalog.current_setting('search_path'), true);
SET LOCAL search_path = pg_catalog, pg_temp;
";

const RESTORE_PATH: &str = "
SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('factos_saved.path'), true);
";

/// How often a migration is tried while other processes migrate as well.
const ATTEMPTS: u32 = 10;

impl Config {
    /// The SQL that creates the log, for an application's own migration tool. Runs once, in one
    /// transaction.
    #[must_use]
    pub fn sql(&self) -> String {
        creation(&self.schema, self.mode.unwrap_or_default())
    }

    /// Creates the log if there is none, and upgrades one of an older format. Safe to call each time and from
    /// several processes at once. Nothing is lost if it fails or the process ends.
    ///
    /// A log without the view `event_view`, which people look at events with, gets it if its owner migrates;
    /// the store itself does not need it. A log of this format whose functions an earlier version made gets those
    /// of this one.
    ///
    /// An upgrade makes the functions anew, so [grants](Self::grants) must be given again where `PUBLIC` may not
    /// execute functions. Handles of an older version of this crate then fail, with nothing written, and
    /// cannot be opened again: update those processes first that only read, and then migrate.
    ///
    /// # Errors
    /// [`StoreError`], with the [`Error`] that says why.
    pub async fn migrate(&self, pool: &PgPool) -> Result<(), StoreError> {
        Ok(migrate(self, pool).await?)
    }
}

/// The SQL that creates the log in a schema of this name.
fn creation(schema: &str, mode: Mode) -> String {
    let tables = sql::tables(mode).join("\n");
    let tables = tables.replacen(CREATE_SCHEMA, &format!("{CREATE_SCHEMA}{PIN_PATH}"), 1);
    let rest = [sql::type_and_triggers(mode), sql::functions(mode)].concat().join("\n");
    let rule = lock_names::RULE;
    in_schema(
        schema,
        &format!(
            "{tables}\n{rest}\n{EVENT_VIEW}\n\
             INSERT INTO factos.meta (format, lock_rule, mode) VALUES ({FORMAT}, {rule}, '{mode}');\n\
             {RESTORE_PATH}"
        ),
    )
}

/// The SQL that makes a log of an older format, or of this one with functions of before, a log of this version:
/// its functions are made anew.
fn upgrade(schema: &str, mode: Mode, format: i32) -> String {
    let mut names = sql::function_names(mode);
    names.extend(FORMER_FUNCTIONS.map(str::to_owned));
    let names = names.join(",");
    let before = if format < FORMAT { sql::type_and_triggers(mode) } else { Vec::new() };
    let functions = [before, sql::functions(mode)].concat().join("\n");
    in_schema(
        schema,
        &format!(
            "{PIN_PATH}
             DO $$ DECLARE function text; BEGIN
               FOR function IN
                 SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                 WHERE n.nspname = '{schema}' AND p.proname = ANY ('{{{names}}}'::name[])
               LOOP EXECUTE 'DROP FUNCTION ' || function; END LOOP;
             END $$;
             {functions}
             UPDATE factos.meta SET format = {FORMAT} WHERE one;
             {RESTORE_PATH}"
        ),
    )
}

/// The SQL as it is written, for a schema of this name.
fn in_schema(schema: &str, sql: &str) -> String {
    let [locks, marks] = lock_classes(schema);
    sql.replace("CREATE SCHEMA factos;", &format!("CREATE SCHEMA \"{schema}\";"))
        .replace("factos.", &format!("\"{schema}\"."))
        .replace(CLASSES[0], &locks.to_string())
        .replace(CLASSES[1], &marks.to_string())
}

/// Two numbers of the log's own, so that logs in one database do not wait for each other. Two logs with the
/// same numbers wait for each other's appends, and nothing worse.
fn lock_classes(schema: &str) -> [u32; 2] {
    if schema == "factos" {
        return [1_178_796_033, 1_178_796_034];
    }
    let hash = schema
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let class = hash & 0x7fff_fffe;
    [class, class + 1]
}

pub(super) async fn migrate(config: &Config, pool: &PgPool) -> Result<(), Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let mut attempt = 1;
    loop {
        let mut connection = pool.acquire().await.map_err(failed)?;
        let mut transaction = begin_to_write(config, &mut connection).await.map_err(failed)?;
        let outcome = match state(config, &mut transaction).await {
            Ok(State::Log(found)) if found.is_to_be_upgraded(config) => {
                run_upgrade(config, transaction, found.mode).await
            }
            Ok(state @ (State::NoSchema | State::Empty)) => {
                create(config, transaction, state).await
            }
            Ok(State::Log(found)) => {
                let checked = found.check(config);
                let has_former =
                    functions::are_to_be_made(&config.schema, found.mode, &mut transaction);
                let has_former = has_former.await.map_err(failed)?;
                let has_no_view = event_view::is_to_be_made(&config.schema, &mut transaction);
                let has_no_view = has_no_view.await.map_err(failed)?;
                if checked.is_err() || !(has_former || has_no_view) {
                    transaction.rollback().await.map_err(failed)?;
                    return checked;
                }
                if has_former {
                    run_upgrade(config, transaction, found.mode).await
                } else {
                    create_view(config, transaction).await
                }
            }
            Err(error) => {
                transaction.rollback().await.map_err(failed)?;
                return Err(error);
            }
        };
        match outcome {
            Ok(()) => {}
            Err(error) if attempt < ATTEMPTS && is_race(&error) => attempt += 1,
            Err(error) => return Err(failed(error)),
        }
    }
}

async fn create(
    config: &Config,
    mut transaction: Transaction<'_, Postgres>,
    state: State,
) -> Result<(), sqlx::Error> {
    let mut sql = config.sql();
    if matches!(state, State::Empty) {
        sql = sql.replacen(&creation_of_schema(&config.schema), "", 1);
    }
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    transaction.commit().await
}

/// Upgrades the log unless another process did so meanwhile.
async fn run_upgrade(
    config: &Config,
    mut transaction: Transaction<'_, Postgres>,
    mode: Mode,
) -> Result<(), sqlx::Error> {
    let schema = &config.schema;
    let lock = format!("LOCK TABLE \"{schema}\".meta IN ACCESS EXCLUSIVE MODE");
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(lock))).await?;
    let format = format!("SELECT format FROM \"{schema}\".meta WHERE one");
    let format: i32 =
        sqlx::query_scalar(AssertSqlSafe(format)).fetch_one(&mut *transaction).await?;
    if format < FORMAT || functions::are_to_be_made(schema, mode, &mut transaction).await? {
        let sql = upgrade(schema, mode, format);
        transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    }
    transaction.commit().await
}

/// Makes the view of a log unless another process did so meanwhile.
async fn create_view(
    config: &Config,
    mut transaction: Transaction<'_, Postgres>,
) -> Result<(), sqlx::Error> {
    let schema = &config.schema;
    // The log goes on meanwhile: an append or a read changes nothing in this table.
    let lock = format!("LOCK TABLE \"{schema}\".meta IN SHARE ROW EXCLUSIVE MODE");
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(lock))).await?;
    if event_view::is_to_be_made(schema, &mut transaction).await? {
        let sql = in_schema(schema, &format!("{PIN_PATH}{EVENT_VIEW}"));
        transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    }
    transaction.commit().await
}

fn creation_of_schema(schema: &str) -> String {
    CREATE_SCHEMA.replace("factos", &format!("\"{schema}\""))
}

/// Whether another process created the same thing at the same time.
fn is_race(error: &sqlx::Error) -> bool {
    let codes = ["23505", "42P06", "42P07", "42723", "42710", "40001", "40P01", "XX000"];
    sqlstate(error).is_some_and(|code| codes.contains(&&*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sql_names_one_schema_and_its_own_locks() {
        for mode in [Mode::Keyed, Mode::Portable] {
            let sql = creation("orders", mode);
            assert!(!sql.contains("factos."), "{sql}");
            assert!(CLASSES.iter().all(|class| !sql.contains(class)));
            assert!(sql.starts_with(&creation_of_schema("orders")));
        }
        assert!(creation("factos", Mode::Keyed).contains(CLASSES[1]));
        assert_ne!(lock_classes("orders"), lock_classes("order"));
    }
}
