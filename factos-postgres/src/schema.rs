//! The schema: its SQL, how it is created, and whether it is one that this version can use.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Row};

use crate::{
    config::{Config, Mode},
    error::{Error, Sent},
    names, sql,
};

/// The format of the schema, kept in its table `meta`.
const FORMAT: i32 = 1;

/// The lock classes in the SQL as it is written, for the schema `factos`.
const CLASSES: [&str; 2] = ["1178796033", "1178796034"];

const CREATE_SCHEMA: &str = "CREATE SCHEMA factos;\n";

/// How often a migration is tried that another process hinders.
const ATTEMPTS: u32 = 10;

/// The SQL that creates the log in a schema of this name.
pub(crate) fn creation(schema: &str, mode: Mode) -> String {
    let mode_sql = match mode {
        Mode::Keyed => sql::KEYED,
        Mode::Portable => sql::PORTABLE,
    };
    let files = [&sql::EVERY_MODE[..], &mode_sql].concat().join("\n");
    let [locks, marks] = lock_classes(schema);
    let sql = format!(
        "{files}\nINSERT INTO factos.meta (format, lock_rule, mode) VALUES ({FORMAT}, {}, '{mode}');\n",
        names::RULE
    );
    sql.replace("CREATE SCHEMA factos;", &format!("CREATE SCHEMA \"{schema}\";"))
        .replace("factos.", &format!("\"{schema}\"."))
        .replace(CLASSES[0], &locks.to_string())
        .replace(CLASSES[1], &marks.to_string())
}

/// Two numbers of the log's own, so that logs in one database do not wait for each other. Two that
/// should meet wait for each other's appends, and nothing else.
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

pub(crate) async fn migrate(config: &Config, pool: &PgPool) -> Result<(), Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let mut attempt = 1;
    loop {
        let mut connection = pool.acquire().await.map_err(failed)?;
        let state = state(config, &mut connection).await?;
        match state {
            State::Log(found) => return found.check(config),
            State::Foreign => {
                return Err(Error::ForeignSchema { schema: config.schema.clone() });
            }
            State::NoSchema | State::Empty => {}
        }
        match create(config, &mut connection, state).await {
            Ok(()) => {}
            Err(error) if attempt < ATTEMPTS && is_race(&error) => attempt += 1,
            Err(error) => return Err(failed(error)),
        }
    }
}

async fn create(
    config: &Config,
    connection: &mut PgConnection,
    state: State,
) -> Result<(), sqlx::Error> {
    let mut sql = creation(&config.schema, config.mode.unwrap_or_default());
    if matches!(state, State::Empty) {
        sql = sql.replacen(&creation_of_schema(&config.schema), "", 1);
    }
    let mut transaction = connection.begin().await?;
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    transaction.commit().await
}

fn creation_of_schema(schema: &str) -> String {
    CREATE_SCHEMA.replace("factos", &format!("\"{schema}\""))
}

/// Whether another process created the same thing at the same time.
fn is_race(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    let codes = ["23505", "42P06", "42P07", "42723", "42710", "40001", "40P01", "XX000"];
    error.code().is_some_and(|code| codes.contains(&&*code))
}

/// What a log says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    format: i32,
    lock_rule: i32,
    mode: String,
    pub(crate) log_id: String,
}

enum State {
    NoSchema,
    Empty,
    Foreign,
    Log(Found),
}

impl Found {
    fn check(&self, config: &Config) -> Result<(), Error> {
        let schema = config.schema.clone();
        let (found, known) = (self.format, FORMAT);
        if found > known {
            return Err(Error::NewerFormat { schema, found, known });
        }
        if found < known {
            return Err(Error::OlderFormat { schema, found, known });
        }
        let (found, known) = (self.lock_rule, names::RULE);
        if found != known {
            return Err(Error::OtherLockRule { schema, found, known });
        }
        match config.mode {
            Some(expected) if expected.as_str() != self.mode => {
                Err(Error::OtherMode { schema, found: self.mode.clone(), expected })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn is_keyed(&self) -> bool {
        self.mode == Mode::Keyed.as_str()
    }
}

/// Looks whether the schema holds a log that this version can use.
pub(crate) async fn check(config: &Config, connection: &mut PgConnection) -> Result<Found, Error> {
    match state(config, connection).await? {
        State::Log(found) => found.check(config).map(|()| found),
        State::Foreign => Err(Error::ForeignSchema { schema: config.schema.clone() }),
        State::NoSchema | State::Empty => {
            Err(Error::MissingSchema { schema: config.schema.clone() })
        }
    }
}

async fn state(config: &Config, connection: &mut PgConnection) -> Result<State, Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let row = sqlx::query(
        "SELECT n.oid IS NOT NULL, count(c.oid) > 0,
                count(c.oid) FILTER (WHERE c.relname IN ('meta', 'events', 'tags')) = 3
         FROM (SELECT $1::text AS name) wanted
         LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.name
         LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
         GROUP BY n.oid",
    )
    .bind(&config.schema)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let get = |index: usize| row.try_get::<bool, _>(index).map_err(failed);
    match (get(0)?, get(1)?, get(2)?) {
        (false, ..) => return Ok(State::NoSchema),
        (true, false, _) => return Ok(State::Empty),
        (true, true, false) => return Ok(State::Foreign),
        (true, true, true) => {}
    }
    let text = format!(
        "SELECT format, lock_rule, mode, log_id::text FROM \"{}\".meta WHERE one",
        config.schema
    );
    let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(connection).await;
    let row = match row {
        Ok(Some(row)) => row,
        // Tables of these names, with other columns or without the one row.
        Ok(None) => return Ok(State::Foreign),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42703") => {
            return Ok(State::Foreign);
        }
        Err(error) => return Err(failed(error)),
    };
    let found = || {
        Ok(Found {
            format: row.try_get(0)?,
            lock_rule: row.try_get(1)?,
            mode: row.try_get(2)?,
            log_id: row.try_get(3)?,
        })
    };
    found().map(State::Log).map_err(failed)
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
