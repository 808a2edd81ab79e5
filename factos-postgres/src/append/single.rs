use factos::{NewEvent, StreamName};
use sqlx::{PgConnection, Row};

use super::{
    batch::Batch,
    statement::{Answer, Conditions, Locks, unless_empty},
};
use crate::{durability::Durability, lock_names::LockNames, sql::Statement, wire};

/// A batch of one event, which a function of its own appends, in far less time than the function for many.
#[derive(Debug)]
pub(super) struct Single<'a> {
    batch: &'a Batch,
    event: &'a NewEvent,
    names: &'a LockNames,
    durability: Durability,
}

impl<'a> Single<'a> {
    /// None for what that function does not do: more than one event, an expected revision, the lock on the whole log,
    /// waits, and appends in a transaction that goes on.
    pub(super) fn of(batches: &[&'a Batch], locks: Locks<'a>) -> Option<Self> {
        let [batch] = *batches else { return None };
        let [event] = batch.events() else { return None };
        let (names, durability) = (locks.names?, locks.durability?);
        let fits = !locks.is_patient
            && locks.later_statements.is_none()
            && batch.expected_revision().is_none();
        fits.then_some(Self { batch, event, names, durability })
    }

    pub(super) async fn send(
        self,
        connection: &mut PgConnection,
        statement: &Statement,
        run: wire::Time,
    ) -> Result<Answer, sqlx::Error> {
        let Self { batch, event, names, durability } = self;
        let conditions = Conditions::of(&[batch]);
        let (names, exclusive) = names.columns();
        let query = statement
            .query()
            .bind(wire::Id(event.id))
            .bind(event.stream.as_ref().map(StreamName::as_str))
            .bind(event.event_type.as_str())
            .bind(i64::from(event.version))
            .bind(&*batch.tags[0])
            .bind(batch.metadata[0].as_deref())
            .bind(&*event.payload)
            .bind(unless_empty(&conditions.items.types))
            .bind(unless_empty(&conditions.items.tags))
            .bind(unless_empty(&conditions.item_after))
            .bind(names)
            .bind(exclusive)
            .bind(run)
            .bind(durability == Durability::Full);
        let row = query.fetch_one(connection).await?;
        Answer::of_one(&row.try_get::<Vec<Option<i64>>, _>(0)?, run)
    }
}
