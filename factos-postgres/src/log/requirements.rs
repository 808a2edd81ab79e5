//! All that a log needs of its schema, its role and its server, looked for by one statement when it is opened.

use sqlx::{PgConnection, Row, postgres::PgRow, query};

use crate::{
    config::Config,
    error::{Error, Sent},
    grants::grants,
    mode::Mode,
    sql,
};

/// Nothing in it is resolved through the caller's `search_path`, nor does it need any privilege.
const LOOK: &str = include_str!("../sql/requirements.sql");

struct Found {
    role: String,
    encoding: String,
    isolation: String,
    read_only: String,
    is_standby: bool,
    in_path: bool,
    missing: Vec<String>,
    unprivileged: Vec<String>,
    policies: Vec<String>,
}

/// Checks what an open log depends on, for the connections that the caller's pool makes.
pub(super) async fn check_requirements(
    config: &Config,
    mode: Mode,
    connection: &mut PgConnection,
) -> Result<(), Error> {
    let found = query(LOOK)
        .bind(&config.schema)
        .bind(mode.as_str())
        .bind(sql::function_names(mode))
        .fetch_one(connection)
        .await
        .and_then(|row| Found::of(&row))
        .map_err(|error| Error::of(error, Sent::No, config.lock_timeout))?;
    found.check(config, mode)
}

impl Found {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            role: row.try_get("role")?,
            encoding: row.try_get("encoding")?,
            isolation: row.try_get("isolation")?,
            read_only: row.try_get("read_only")?,
            is_standby: row.try_get("is_standby")?,
            in_path: row.try_get("in_path")?,
            missing: row.try_get("missing")?,
            unprivileged: row.try_get("unprivileged")?,
            policies: row.try_get("policies")?,
        })
    }

    fn check(self, config: &Config, mode: Mode) -> Result<(), Error> {
        let schema = config.schema.clone();
        if self.is_standby && mode == Mode::Keyed {
            return Err(Error::Standby { schema });
        }
        if self.encoding != "UTF8" {
            return Err(Error::Encoding { found: self.encoding });
        }
        if self.in_path {
            return Err(Error::SchemaInSearchPath { schema });
        }
        if !self.missing.is_empty() {
            return Err(Error::Incomplete { schema, missing: self.missing });
        }
        if !self.unprivileged.is_empty() {
            let grants = grants(&schema, mode, &self.role);
            return Err(Error::MissingPrivileges { missing: self.unprivileged, grants });
        }
        if !self.policies.is_empty() {
            return Err(Error::RowSecurity { schema, tables: self.policies });
        }
        let is_accepted = self.isolation == "read committed"
            || (mode == Mode::Portable && self.isolation == "serializable");
        if !is_accepted {
            let setting = "default_transaction_isolation";
            return Err(Error::SessionDefault { setting, found: self.isolation });
        }
        // A standby says so of itself, and a portable log is read there.
        if self.read_only == "on" {
            let setting = "default_transaction_read_only";
            return Err(Error::SessionDefault { setting, found: self.read_only });
        }
        Ok(())
    }
}
