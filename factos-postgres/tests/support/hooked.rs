//! A log whose handles copy what they append.

use factos::conformance::{Fault, Fixture, ProcessFixture};
use factos_postgres::{
    PostgresStore,
    sqlx::{self, AssertSqlSafe},
};

use crate::{
    fixture::Log,
    handle::{Handle, handle},
    support::{Schema, pool},
};

pub(crate) type HookedKeyed = Hooked<true>;
pub(crate) type HookedPortable = Hooked<false>;

pub(crate) struct Hooked<const KEYED: bool>(Log<KEYED>);

/// The table is in the log's schema, and goes with it.
async fn with_copy(store: PostgresStore, schema: &str) -> PostgresStore {
    let insert = format!("INSERT INTO \"{schema}\".copy VALUES ($1, $2)");
    store.with_hook(move |connection, records| {
        let insert = insert.clone();
        Box::pin(async move {
            for record in records {
                let insert = sqlx::query(AssertSqlSafe(insert.clone()))
                    .bind(i64::try_from(record.position.get())?)
                    .bind(record.id.to_string());
                insert.execute(&mut *connection).await?;
            }
            Ok(())
        })
    })
}

impl<const KEYED: bool> Fixture for Hooked<KEYED> {
    type Store = Handle;

    const LIMITS: Option<factos::Limits> = Some(PostgresStore::LIMITS);

    async fn fresh() -> Self {
        let log = Log::fresh().await;
        log.schema()
            .run("CREATE TABLE log.copy (position bigint PRIMARY KEY, id text NOT NULL)")
            .await;
        Self(log)
    }

    async fn connect(&self) -> Handle {
        let schema = self.0.schema();
        self.0.handle(with_copy(schema.open().await, &schema.name).await)
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
        // The process that made the schema drops it.
        let schema = Schema { name: address.to_owned(), mode: Log::<KEYED>::MODE };
        let schema = std::mem::ManuallyDrop::new(schema);
        handle(with_copy(schema.open().await, address).await, None)
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
        // On a thread of its own: this one may be running a runtime.
        let counting = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let pool = pool(1).await;
                let differ = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql));
                let differ = differ.fetch_one(&pool).await.unwrap();
                pool.close().await;
                differ
            })
        });
        assert_eq!(counting.join().unwrap(), 0, "the copy differs from the log");
    }
}
