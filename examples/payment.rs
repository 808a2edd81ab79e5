//! A row of the application's own table and an event, in one transaction of PostgreSQL: both are there, or none.

use factos::{AppendCondition, AppendError, Event, Query, QueryFor, encode};
use factos_postgres::{PostgresStore, sqlx};

/// An invoice was paid.
#[derive(Debug, Clone, PartialEq, Event)]
#[event("invoice.paid")]
pub struct Paid {
    /// The invoice.
    #[tag]
    pub invoice: String,
    /// How much was paid.
    pub cents: i64,
}

/// Books a payment: a row in `payments`, and the event. An invoice is paid once, which the condition holds: of two
/// payments at the same time, one is a conflict, and its row is rolled back.
///
/// # Errors
/// An error of the database, or an [`AppendError`] within an [`anyhow::Error`].
pub async fn pay(store: &PostgresStore, paid: &Paid) -> anyhow::Result<()> {
    let mut transaction = store.pool().begin().await?;
    sqlx::query("INSERT INTO payments (invoice, cents) VALUES ($1, $2)")
        .bind(&paid.invoice)
        .bind(paid.cents)
        .execute(&mut *transaction)
        .await?;
    // Last, as it holds the boundary until the commit.
    append(store, &mut transaction, paid).await?;
    Ok(transaction.commit().await?)
}

async fn append(
    store: &PostgresStore,
    transaction: &mut sqlx::PgConnection,
    paid: &Paid,
) -> anyhow::Result<()> {
    let earlier: Query = QueryFor::from(Paid::query().invoice(&paid.invoice)).into_query()?;
    let condition = AppendCondition::fail_if_events_match(earlier);
    let appended: Result<_, AppendError> =
        store.append_in(transaction, vec![encode(paid)?], condition).await;
    appended?;
    Ok(())
}
