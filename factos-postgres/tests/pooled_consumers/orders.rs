//! Fifty consumers, each with its rows in one table.

use factos::{Event, QueryFor, Recorded};
use factos_consumer::{Attempts, Consumers, OnError, Options, Projection};
use factos_postgres::{
    PostgresConsumers,
    sqlx::{self, AssertSqlSafe, PgConnection},
};

#[derive(Debug, Event)]
pub(crate) enum Sales {
    Ordered {
        #[tag]
        order: u64,
    },
}

/// The position of each event, beside the number of the consumer.
struct Orders<const NUMBER: usize> {
    schema: String,
}

macro_rules! orders {
    ($($number:literal)*) => {
        pub(crate) const NAMES: &[&str] = &[$(concat!("orders-", $number)),*];

        /// Has all of them run.
        pub(crate) fn with_all(
            consumers: Consumers<PostgresConsumers>,
            schema: &str,
        ) -> Consumers<PostgresConsumers> {
            let options = Options::new(OnError::Stop).attempts(Attempts::ONCE);
            consumers$(.project(Orders::<$number> { schema: schema.to_owned() }, options.clone()))*
        }
    };
}

orders! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
    25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49
}

impl<const NUMBER: usize> Projection for Orders<NUMBER> {
    type Event = Sales;
    type Tx = PgConnection;
    type Error = sqlx::Error;

    const NAME: &'static str = NAMES[NUMBER];

    fn query(&self) -> QueryFor<Sales> {
        QueryFor::all_types()
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        records: &[Recorded<Sales>],
    ) -> Result<(), sqlx::Error> {
        let sql = format!("INSERT INTO \"{}\".applied VALUES ($1, $2)", self.schema);
        for record in records {
            // A statement that is prepared under a name is one of a session.
            let insert = sqlx::query(AssertSqlSafe(&*sql)).persistent(false);
            let position = record.position.get().cast_signed();
            insert.bind(Self::NAME).bind(position).execute(&mut *tx).await?;
        }
        Ok(())
    }
}
