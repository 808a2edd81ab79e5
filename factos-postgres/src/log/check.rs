use sqlx::{AssertSqlSafe, PgConnection};

use super::requirements::check_requirements;
use crate::{
    config::Config,
    error::{Error, Sent, sqlstate},
    lock_names,
    mode::Mode,
    wire,
};

/// The format of the schema, kept in its table `meta`.
pub(super) const FORMAT: i32 = 2;

/// What the table `meta` of a log says.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) format: i32,
    lock_rule: i32,
    pub(super) mode: Mode,
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
    /// Whether it is an older log that was asked for.
    pub(super) fn is_to_be_upgraded(&self, config: &Config) -> bool {
        self.format < FORMAT && config.mode.is_none_or(|mode| mode == self.mode)
    }

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
            Some(expected) if expected != self.mode => {
                Err(Error::OtherMode { schema, found: self.mode.as_str().to_owned(), expected })
            }
            _ => Ok(()),
        }
    }
}

/// Checks that the schema holds a log that this version can use, with all that it needs.
pub(super) async fn check(config: &Config, connection: &mut PgConnection) -> Result<Found, Error> {
    let found = match state(config, connection).await? {
        State::Log(found) => found,
        State::NoSchema | State::Empty => {
            return Err(Error::MissingSchema { schema: config.schema.clone() });
        }
    };
    found.check(config)?;
    check_requirements(config, found.mode, connection).await?;
    Ok(found)
}

/// What the catalog tells of the schema.
const LOOK: &str = "SELECT n.oid IS NOT NULL, pg_catalog.count(c.oid) OPERATOR(pg_catalog.>) 0,
        pg_catalog.count(c.oid) FILTER (WHERE c.relname OPERATOR(pg_catalog.=)
          ANY ('{meta,events,tags}'::pg_catalog.name[])) OPERATOR(pg_catalog.>) 1,
        pg_catalog.count(c.oid) FILTER (WHERE c.relname OPERATOR(pg_catalog.=) 'head'::pg_catalog.name)
          OPERATOR(pg_catalog.>) 0,
        coalesce(pg_catalog.bool_or(c.relname OPERATOR(pg_catalog.=) 'meta'::pg_catalog.name
          AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
          AND pg_catalog.has_table_privilege(c.oid, 'SELECT')), false)
     FROM (SELECT $1::pg_catalog.text AS name) wanted
     LEFT JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) wanted.name
     LEFT JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
       AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::pg_catalog.\"char\"[])
     GROUP BY n.oid";

pub(super) async fn state(config: &Config, connection: &mut PgConnection) -> Result<State, Error> {
    let failed = |error| Error::of(error, Sent::No, config.lock_timeout);
    let foreign = || Error::ForeignSchema { schema: config.schema.clone() };
    let look = sqlx::query_as(LOOK).bind(&config.schema).fetch_one(&mut *connection).await;
    let (exists, is_filled, is_log, has_head, is_readable): (bool, bool, bool, bool, bool) =
        look.map_err(failed)?;
    match (exists, is_filled, is_log) {
        (false, ..) => return Ok(State::NoSchema),
        (true, false, _) => return Ok(State::Empty),
        (true, true, false) => return Err(foreign()),
        (true, true, true) => {}
    }
    if !is_readable {
        // What else is missing is told as well.
        let mode = if has_head { Mode::Portable } else { Mode::Keyed };
        check_requirements(config, config.mode.unwrap_or(mode), connection).await?;
        return Err(foreign());
    }
    let schema = &config.schema;
    let text = format!(
        "SELECT format, lock_rule, mode, log_id::pg_catalog.text, pg_catalog.pg_postmaster_start_time()
         FROM \"{schema}\".meta WHERE one"
    );
    // A table of this name may have other columns, or lack the one row.
    let row = match sqlx::query_as(AssertSqlSafe(text)).fetch_optional(connection).await {
        Err(error) if sqlstate(&error).as_deref() == Some("42703") => return Err(foreign()),
        row => row.map_err(failed)?,
    };
    let row: Option<(_, _, String, _, _)> = row;
    let (format, lock_rule, mode, log_id, server) = row.ok_or_else(foreign)?;
    let mode = Mode::named(&mode).ok_or_else(foreign)?;
    Ok(State::Log(Found { format, lock_rule, mode, log_id, server }))
}
