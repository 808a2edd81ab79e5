use std::sync::Arc;

use factos::conformance::Guarded;
use factos_postgres::PostgresStore;

use crate::support::Schema;

/// A store that keeps its schema from being dropped, for a case may drop the fixture first.
pub(crate) type Handle = Guarded<PostgresStore, Option<Arc<Schema>>>;

pub(crate) fn handle(store: PostgresStore, schema: Option<&Arc<Schema>>) -> Handle {
    Guarded::new(store, schema.cloned())
}
