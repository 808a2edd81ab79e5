//! A log whose handles copy what they append.

use std::sync::Arc;

use factos::{
    Bytes, Recorded,
    conformance::{Fault, Fixture, Guarded, ProcessFixture},
};
use factos_postgres::{
    HookFuture, PostgresStore,
    sqlx::{self, AssertSqlSafe, PgConnection},
};

use crate::{
    caretaker,
    fixture::{Handle, Log},
    recycled::{open, open_anew},
};

pub(crate) type HookedKeyed = Hooked<true>;
pub(crate) type HookedPortable = Hooked<false>;

pub(crate) struct Hooked<const KEYED: bool>(Log<KEYED>);

/// The table is in the log's schema, and is emptied or dropped with it. A portable log is copied by groups.
async fn with_copy<const KEYED: bool>(store: PostgresStore, schema: &str) -> PostgresStore {
    let insert: Arc<str> =
        format!("INSERT INTO \"{schema}\".copy SELECT * FROM unnest($1::bigint[], $2::text[])")
            .into();
    if KEYED {
        store.with_hook(move |connection, records| copy(connection, &insert, records.iter()))
    } else {
        store.with_group_hook(move |connection, appends| {
            copy(connection, &insert, appends.iter().copied().flatten())
        })
    }
}

fn copy<'a>(
    connection: &'a mut PgConnection,
    insert: &Arc<str>,
    records: impl Iterator<Item = &'a Recorded<Bytes>>,
) -> HookFuture<'a> {
    let (mut positions, mut ids) = (Vec::new(), Vec::new());
    for record in records {
        positions.push(record.position.get().cast_signed());
        ids.push(record.id.to_string());
    }
    let insert = sqlx::query(AssertSqlSafe(Arc::clone(insert))).bind(positions).bind(ids);
    Box::pin(async move { Ok(insert.execute(connection).await.map(drop)?) })
}

impl<const KEYED: bool> Fixture for Hooked<KEYED> {
    type Store = Handle;

    const LIMITS: Option<factos::Limits> = Some(PostgresStore::LIMITS);

    // Reads are those of the store without a hook, which has all lists. Each list takes a log of its own.
    const MODEL_CASES: u32 = 100;

    async fn fresh() -> Self {
        Self(Log::of(true).await)
    }

    async fn connect(&self) -> Handle {
        let schema = self.0.schema();
        self.0.handle(with_copy::<KEYED>(open(schema).await, &schema.name).await)
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.0.inject(fault).await
    }

    async fn heal(&self, fault: Fault) {
        self.0.heal(fault).await;
    }

    async fn flushes(&self) -> Option<u64> {
        self.0.flushes().await
    }
}

impl<const KEYED: bool> ProcessFixture for Hooked<KEYED> {
    fn address(&self) -> String {
        self.0.address()
    }

    async fn reach(address: &str) -> Handle {
        let store = open_anew(&Log::<KEYED>::reached(address)).await;
        Guarded::new(with_copy::<KEYED>(store, address).await, None)
    }
}

/// Whatever a case did, the copy is exact.
impl<const KEYED: bool> Drop for Hooked<KEYED> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let schema = &self.0.schema().name;
        let sql = format!(
            "SELECT count(*) FROM \"{schema}\".events e FULL JOIN \"{schema}\".copy c
               ON c.position = e.position AND c.id = e.id::text
             WHERE e.position IS NULL OR c.position IS NULL"
        );
        let differ = caretaker::wait_for(|pool| async move {
            sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(pool).await.unwrap()
        });
        assert_eq!(differ, 0, "the copy differs from the log");
    }
}
