//! The view for people at a SQL prompt. The store never uses it, so a log without it is opened as any other.

use sqlx::PgConnection;

/// Whether the log in schema $1 has nothing of that name, and this role may make it: the owner of the log's tables, where
/// objects may be created. Nothing in it is resolved through the caller's `search_path`.
const LOOK: &str = "SELECT EXISTS (
    SELECT FROM pg_catalog.pg_namespace n
    JOIN pg_catalog.pg_class events ON events.relnamespace OPERATOR(pg_catalog.=) n.oid
      AND events.relname OPERATOR(pg_catalog.=) 'events'::pg_catalog.name
    WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.text
      AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
      AND pg_catalog.pg_has_role(events.relowner, 'USAGE')
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid
          AND c.relname OPERATOR(pg_catalog.=) 'event_view'::pg_catalog.name))";

/// Whether a migration is to make the view of the log in this schema.
pub(super) async fn is_to_be_made(
    schema: &str,
    connection: &mut PgConnection,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(LOOK).bind(schema).fetch_one(connection).await
}
