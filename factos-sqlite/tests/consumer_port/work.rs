//! What a consumer does in its transaction.

use std::{error::Error, future::pending, time::Duration};

use factos::{AppendCondition, ErrorKind, EventStore, StoreErrorKind};
use factos_consumer::port::{Port, PortError, Step, Work};
use factos_sqlite::{Config, SqliteConsumers, SqliteStore, WriteTransaction, rusqlite};
use futures_util::future::BoxFuture;

use crate::{
    file::{File, lease, moves, partition, position, work, write},
    support::sold,
};

struct Waits;

impl Work<WriteTransaction> for Waits {
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut WriteTransaction,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            write(tx, "waits")?;
            pending().await
        })
    }
}

/// Nothing of a step is kept, and the port goes on.
async fn assert_nothing(file: &File, consumers: &SqliteConsumers, step: Step) {
    assert_eq!((position(consumers).await, file.written()), (0, vec![]));
    consumers.commit(step, work(|tx| write(tx, "next"))).await.unwrap();
    assert_eq!((position(consumers).await, file.written()), (1, vec!["next".to_owned()]));
}

#[tokio::test]
async fn work_that_waits_is_refused() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    let error = consumers.commit(moves(token, 0, 1), Some(Box::new(Waits))).await.unwrap_err();
    let PortError::Work(cause) = &error else { panic!("{error:?}") };
    assert!(cause.to_string().contains("waits"), "{cause}");
    let error = consumers.promote(&partition().consumer, Some(Box::new(Waits))).await.unwrap_err();
    assert!(matches!(error, PortError::Work(_)), "{error:?}");
    assert_nothing(&file, &consumers, moves(token, 0, 1)).await;
}

#[tokio::test]
async fn work_that_rolls_back_by_itself_keeps_nothing() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    let rolls_back = work(|tx| {
        write(tx, "lost")?;
        let sql = "INSERT OR ROLLBACK INTO written SELECT id, row FROM written";
        assert!(tx.connection().execute(sql, []).is_err());
        Ok(())
    });
    let error = consumers.commit(moves(token, 0, 1), rolls_back).await.unwrap_err();
    assert!(matches!(error, PortError::Database(_)), "{error:?}");
    assert_nothing(&file, &consumers, moves(token, 0, 1)).await;
}

#[tokio::test]
async fn what_the_commit_refuses_is_an_error_of_the_consumers() {
    let file = File::new().await;
    file.sql()
        .execute_batch(
            "CREATE TABLE of_written (id INTEGER REFERENCES written DEFERRABLE INITIALLY DEFERRED)",
        )
        .unwrap();
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    let lacks = work(|tx| {
        tx.connection().execute("INSERT INTO of_written VALUES (7)", [])?;
        Ok(())
    });
    let error = consumers.commit(moves(token, 0, 1), lacks).await.unwrap_err();
    assert!(matches!(error, PortError::Work(_)), "{error:?}");
    assert_nothing(&file, &consumers, moves(token, 0, 1)).await;
}

#[tokio::test]
async fn the_tables_of_the_consumers_are_not_a_projections() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    let tries = work(|tx| {
        for sql in [
            "DELETE FROM factos_consumer",
            "UPDATE Factos_Consumer_Partition SET token = 7",
            "INSERT INTO factos_consumer_format (format) VALUES (2)",
            "UPDATE factos_consumer_parked SET waits = 0",
            "DROP TABLE factos_consumer_process",
            "CREATE INDEX mine ON factos_consumer_parked (reason)",
        ] {
            let refused = tx.connection().execute(sql, []).unwrap_err().to_string();
            assert!(refused.contains("not authorized"), "{sql}: {refused}");
        }
        let sql = "SELECT count(*) FROM factos_consumer_partition";
        let count: u32 = tx.connection().query_row(sql, [], |row| row.get(0))?;
        assert_eq!(count, 1, "they may be read");
        tx.connection().execute_batch("CREATE TABLE factos_consumer_of_mine (id INTEGER)")?;
        Ok(())
    });
    consumers.commit(moves(token, 0, 1), tries).await.unwrap();
}

#[tokio::test]
async fn what_it_appends_is_kept_with_the_step() {
    let file = File::new().await;
    let store = file.store().await;
    let consumers = SqliteConsumers::new(&store);
    let token = lease(&consumers).await;
    let appends = |then: Result<(), &'static str>| {
        work(move |tx| {
            tx.append(vec![sold("a")], AppendCondition::None)?;
            Ok(then?)
        })
    };
    consumers.commit(moves(token, 0, 1), appends(Err("no"))).await.unwrap_err();
    assert_eq!(store.head().await.unwrap(), None);
    consumers.commit(moves(token, 0, 1), appends(Ok(()))).await.unwrap();
    assert_eq!(store.head().await.unwrap().map(|head| head.get()), Some(1));
    consumers.commit(moves(token, 0, 1), appends(Ok(()))).await.unwrap_err();
    assert_eq!(store.head().await.unwrap().map(|head| head.get()), Some(1), "a step from nowhere");
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_told_as_busy() {
    let file = File::new().await;
    let token = lease(&file.consumers().await).await;
    let config = Config::new(file.path()).busy_timeout(Duration::from_millis(1));
    let store: SqliteStore = config.open().await.unwrap();
    let consumers = SqliteConsumers::new(&store);
    let mut other = file.sql();
    let locked = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let error = consumers.commit(moves(token, 0, 1), None).await.unwrap_err();
    let PortError::Database(cause) = &error else { panic!("{error:?}") };
    assert_eq!((cause.kind(), error.kind()), (StoreErrorKind::Busy, ErrorKind::Busy));
    // What only looks waits for nobody.
    assert_eq!(position(&consumers).await, 0);
    drop(locked);
    file.consumers().await.commit(moves(token, 0, 1), None).await.unwrap();
}

#[tokio::test]
async fn a_position_that_the_tables_cannot_hold_is_refused() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    let error = consumers.commit(moves(token, 0, 1 << 63), None).await.unwrap_err();
    assert!(matches!(error, PortError::Database(_)), "{error:?}");
    assert_nothing(&file, &consumers, moves(token, 0, 1)).await;
}
