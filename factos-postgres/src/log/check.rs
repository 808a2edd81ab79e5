use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    config::Config,
    error::{Error, Sent, sqlstate},
    lock_names, wire,
};

/// The format of the schema, kept in its table `meta`.
pub(super) const FORMAT: i32 = 1;

/// What the table `meta` of a log says.
#[derive(Debug)]
pub(super) struct Found {
    format: i32,
    lock_rule: i32,
    pub(super) mode: String,
    pub(super) log_id: String,
    /// When the server was started.
    pub(super) server: wire::Time,
}

/// What a schema holds.
#[derive(Debug)]
pub(super) enum State {
    NoSchema,
    Empty,
    Log(Found),
}

impl Found {
    /// Whether it is a log that this version can use and that was asked for.
    pub(super) fn check(&self, config: &Config) -> Result<(), Error> {
        let schema = config.schema.clone();
        let (found, known) = (self.format, FORMAT);
        if found > known {
            return Err(Error::NewerFormat { schema, found, known });
        }
        if found < known {
            return Err(Error::OlderFormat { schema, found, known });
        }
        let (found, known) = (self.lock_rule, lock_names::RULE);
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
}

/// Checks that the schema holds a log that this version can use.
pub(super) async fn check(config: &Config, connection: &mut PgConnection) -> Result<Found, Error> {
    match state(config, connection).await? {
        State::Log(found) => found.check(config).map(|()| found),
        State::NoSchema | State::Empty => {
            Err(Error::MissingSchema { schema: config.schema.clone() })
        }
    }
}

pub(super) async fn state(config: &Config, connection: &mut PgConnection) -> Result<State, Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let foreign = || Error::ForeignSchema { schema: config.schema.clone() };
    let (exists, is_filled, is_log): (bool, bool, bool) = sqlx::query_as(
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
    match (exists, is_filled, is_log) {
        (false, ..) => return Ok(State::NoSchema),
        (true, false, _) => return Ok(State::Empty),
        (true, true, false) => return Err(foreign()),
        (true, true, true) => {}
    }
    let schema = &config.schema;
    let text = format!(
        "SELECT format, lock_rule, mode, log_id::text, pg_postmaster_start_time() FROM \"{schema}\".meta WHERE one"
    );
    // Tables of these names may have other columns, or lack the one row.
    let row = match sqlx::query_as(AssertSqlSafe(text)).fetch_optional(connection).await {
        Err(error) if sqlstate(&error).as_deref() == Some("42703") => return Err(foreign()),
        row => row.map_err(failed)?,
    };
    let (format, lock_rule, mode, log_id, server) = row.ok_or_else(foreign)?;
    Ok(State::Log(Found { format, lock_rule, mode, log_id, server }))
}
