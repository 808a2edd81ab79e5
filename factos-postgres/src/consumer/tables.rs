use factos_consumer::port::PortError;
use sqlx::{PgConnection, Row};

use super::statement::{failed, fetch_optional};
use crate::config::{Config, InvalidSchemaName};

/// The format of the tables.
pub(super) const FORMAT: i64 = 1;

/// The names of the tables, as SQL.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) schema: String,
    pub(super) consumer: String,
    pub(super) partition: String,
    pub(super) process: String,
    pub(super) parked: String,
    pub(super) format: String,
}

impl Tables {
    pub(super) fn in_schema(name: &str) -> Result<Self, InvalidSchemaName> {
        let schema = Config::new().schema(name)?.schema;
        let table = |what: &str| format!("\"{schema}\".factos_consumer{what}");
        Ok(Self {
            consumer: table(""),
            partition: table("_partition"),
            process: table("_process"),
            parked: table("_parked"),
            format: table("_format"),
            schema,
        })
    }

    /// Whether the tables have the format that this version knows.
    pub(super) fn is_format_known(&self) -> String {
        format!("(SELECT f.format FROM {} f) OPERATOR(pg_catalog.=) {FORMAT}", self.format)
    }

    /// What makes the tables. The numbers are those of the crate: an unsigned 32-bit one is an `int8`.
    pub(super) fn sql(&self) -> String {
        let Self { consumer, partition, process, parked, format, .. } = self;
        format!(
            "CREATE TABLE {format} (\n  \
               one    pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (one),\n  \
               format pg_catalog.int8 NOT NULL);\n\
             CREATE TABLE {consumer} (\n  \
               name         pg_catalog.text COLLATE pg_catalog.\"C\" NOT NULL,\n  \
               version      pg_catalog.int8 NOT NULL,\n  \
               state        pg_catalog.text COLLATE pg_catalog.\"C\" NOT NULL,\n  \
               succession   pg_catalog.text COLLATE pg_catalog.\"C\" NOT NULL,\n  \
               resize_to    pg_catalog.int8,\n  \
               resize_until pg_catalog.int8,\n  \
               last_token   pg_catalog.int8 NOT NULL DEFAULT 0,\n  \
               PRIMARY KEY (name, version));\n\
             CREATE UNIQUE INDEX factos_consumer_live ON {consumer} (name)\n  \
               WHERE state OPERATOR(pg_catalog.=) 'live';\n\
             CREATE TABLE {partition} (\n  \
               name         pg_catalog.text COLLATE pg_catalog.\"C\" NOT NULL,\n  \
               version      pg_catalog.int8 NOT NULL,\n  \
               number       pg_catalog.int8 NOT NULL,\n  \
               log_id       pg_catalog.text,\n  \
               position     pg_catalog.int8,\n  \
               event_id     pg_catalog.uuid,\n  \
               token        pg_catalog.int8 NOT NULL DEFAULT 0,\n  \
               owner        pg_catalog.text COLLATE pg_catalog.\"C\",\n  \
               leased_until pg_catalog.timestamptz,\n  \
               error        pg_catalog.text,\n  \
               PRIMARY KEY (name, version, number)) WITH (fillfactor = 50);\n\
             CREATE TABLE {process} (\n  \
               process       pg_catalog.text COLLATE pg_catalog.\"C\" PRIMARY KEY,\n  \
               serves_name    pg_catalog.text[] NOT NULL,\n  \
               serves_version pg_catalog.int8[] NOT NULL,\n  \
               alive_until    pg_catalog.timestamptz NOT NULL) WITH (fillfactor = 50);\n\
             CREATE TABLE {parked} (\n  \
               name     pg_catalog.text COLLATE pg_catalog.\"C\" NOT NULL,\n  \
               version  pg_catalog.int8 NOT NULL,\n  \
               position pg_catalog.int8 NOT NULL,\n  \
               effect   pg_catalog.int8 NOT NULL,\n  \
               key      pg_catalog.text COLLATE pg_catalog.\"C\",\n  \
               slot     pg_catalog.int8 NOT NULL,\n  \
               attempts pg_catalog.int8 NOT NULL,\n  \
               reason   pg_catalog.text NOT NULL,\n  \
               retry_at pg_catalog.timestamptz,\n  \
               skipped  pg_catalog.text,\n  \
               is_first pg_catalog.bool NOT NULL,\n  \
               PRIMARY KEY (name, version, position));\n\
             CREATE INDEX factos_consumer_parked_retry ON {parked} (name, version, retry_at)\n  \
               WHERE is_first;\n\
             CREATE INDEX factos_consumer_parked_first\n  \
               ON {parked} (name, version, pg_catalog.hashtextextended(key, 0))\n  \
               WHERE is_first AND key IS NOT NULL;\n\
             CREATE INDEX factos_consumer_parked_key\n  \
               ON {parked} (name, version, pg_catalog.hashtextextended(key, 0), position)\n  \
               WHERE skipped IS NULL AND key IS NOT NULL;\n\
             INSERT INTO {format} (format) VALUES ({FORMAT});\n"
        )
    }
}

/// The tables have another format than this version knows.
pub(super) async fn check_format(
    connection: &mut PgConnection,
    tables: &Tables,
) -> Result<(), PortError> {
    let sql = format!("SELECT f.format FROM {} f", tables.format);
    let Some(row) = fetch_optional(connection, sql).await? else { return Err(no_format()) };
    check(row.try_get(0).map_err(failed)?)
}

/// There is no row that tells the format.
pub(super) fn no_format() -> PortError {
    PortError::Damaged { what: "the format of the tables".to_owned() }
}

/// An error, if this is not the format that this version knows.
pub(super) const fn check(found: i64) -> Result<(), PortError> {
    if found == FORMAT { Ok(()) } else { Err(PortError::Format { found, known: FORMAT }) }
}
