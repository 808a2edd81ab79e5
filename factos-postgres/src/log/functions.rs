//! The functions of a log of this format that an earlier version of this crate made.

use sqlx::PgConnection;

use crate::{
    mode::Mode,
    sql::{FORMER_FUNCTIONS, later_functions},
};

/// Whether the log in schema $1 has one of the functions $2 or lacks one of $3, and this role may replace them: the owner of the log's tables,
/// where objects may be created. Nothing in it is resolved through the caller's `search_path`.
const LOOK: &str = "SELECT EXISTS (
    SELECT FROM pg_catalog.pg_namespace n
    JOIN pg_catalog.pg_class events ON events.relnamespace OPERATOR(pg_catalog.=) n.oid
      AND events.relname OPERATOR(pg_catalog.=) 'events'::pg_catalog.name
    CROSS JOIN LATERAL (
      SELECT coalesce(pg_catalog.array_agg(p.proname::pg_catalog.text), '{}') AS names FROM pg_catalog.pg_proc p
      WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid) has
    WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.text
      AND (has.names OPERATOR(pg_catalog.&&) $2::pg_catalog.text[]
        OR NOT has.names OPERATOR(pg_catalog.@>) $3::pg_catalog.text[])
      AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
      AND pg_catalog.pg_has_role(events.relowner, 'USAGE'))";

/// Whether a migration is to make the functions of the log in this schema anew.
pub(super) async fn are_to_be_made(
    schema: &str,
    mode: Mode,
    connection: &mut PgConnection,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(LOOK)
        .bind(schema)
        .bind(FORMER_FUNCTIONS)
        .bind(later_functions(mode))
        .fetch_one(connection)
        .await
}
