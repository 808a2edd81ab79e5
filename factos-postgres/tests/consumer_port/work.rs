//! What a consumer writes in the transaction of a step, and what it must not do to it.

use std::error::Error;

use factos::{ErrorKind, StoreErrorKind};
use factos_consumer::port::{Port, PortError, Step, Work};
use factos_postgres::{
    PostgresConsumers,
    sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql},
};
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::{
    LONG, Sql, Tables, at, lease, partition, step,
    support::{eventually, in_time},
};

/// Where the partition stands.
async fn position(port: &PostgresConsumers) -> Option<u64> {
    let consumers = port.consumers().await.unwrap();
    consumers[0].partitions[0].position.map(|position| position.get())
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn work_that_ends_the_transaction_is_refused_and_nothing_is_kept() {
    let tables = Tables::new().await;
    tables.run("CREATE TABLE log.once (text text UNIQUE DEFERRABLE INITIALLY DEFERRED)").await;
    tables.run("INSERT INTO log.once VALUES ('twice')").await;
    let port = tables.port_with(1, &[]).await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    let ended = "ended the transaction";
    for (sql, message) in [
        ("COMMIT", ended),
        ("END", ended),
        ("COMMIT AND CHAIN", ended),
        ("COMMIT; BEGIN", ended),
        ("PREPARE TRANSACTION 'of a consumer'", ended),
        ("ROLLBACK", ended),
        ("ROLLBACK AND CHAIN", ended),
        ("ROLLBACK; BEGIN", ended),
        ("ROLLBACK; BEGIN; SELECT 1 / 0", "a statement of the consumer failed"),
        ("CLOSE ALL", ended),
        ("SELECT 1 / 0", "a statement of the consumer failed"),
        ("INSERT INTO log.once VALUES ('twice')", "duplicate key"),
    ] {
        // It says nothing of what fails.
        let sql = sql.replace("log.", &format!("\"{}\".", tables.0.name));
        let statements = ["INSERT INTO written (text) VALUES ('half')", &sql, ""];
        let work = Sql(statements.map(str::to_owned).to_vec());
        let error =
            port.commit(step(0, token, 0, 5), Some(Box::new(Silent(work)))).await.unwrap_err();
        assert!(matches!(error, PortError::Work(_)), "{sql}: {error:?}");
        let told = error.source().unwrap().to_string();
        assert!(told.contains(message), "{sql}: {told}");
        assert_eq!(position(&port).await, None, "{sql}");
    }
    assert_eq!(tables.rows().await, [""; 0]);
    // The one connection of the pool is as before.
    let work = tables.work("INSERT INTO log.written (text) VALUES ('whole')");
    port.commit(step(0, token, 0, 5), work).await.unwrap();
    assert_eq!((tables.rows().await, position(&port).await), (vec!["whole".to_owned()], Some(5)));
}

/// Work that says nothing of what fails.
struct Silent(Sql);

impl Work<PgConnection> for Silent {
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut PgConnection,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            for sql in self.0.0 {
                drop(raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await);
            }
            Ok(())
        })
    }
}

/// Work that leaves a transaction open within its own.
struct Nested;

impl Work<PgConnection> for Nested {
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut PgConnection,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            std::mem::forget(tx.begin().await?);
            Ok(())
        })
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_savepoint_that_is_left_open_is_no_commit() {
    let tables = Tables::new().await;
    let port = tables.port_with(1, &[]).await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    let error = port.commit(step(0, token, 0, 5), Some(Box::new(Nested))).await.unwrap_err();
    assert!(matches!(error, PortError::Work(_)), "{error:?}");
    assert_eq!(position(&port).await, None);
}

/// Work that writes, tells that it did, and then waits for ever.
struct Stuck(oneshot::Sender<()>);

impl Work<PgConnection> for Stuck {
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut PgConnection,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            raw_sql("INSERT INTO written (text) VALUES ('half')").execute(tx).await?;
            self.0.send(()).unwrap();
            std::future::pending().await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_dropped_step_leaves_nothing_behind() {
    let tables = Tables::new().await;
    let port = tables.port_with(1, &[]).await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    let (told, is_stuck) = oneshot::channel();
    let stuck = Some(Box::new(Stuck(told)) as Box<dyn Work<PgConnection>>);
    let commit = port.commit(step(0, token, 0, 5), stuck);
    tokio::select! {
        outcome = commit => panic!("{outcome:?}"),
        outcome = is_stuck => outcome.unwrap(),
    }
    let work = tables.work("INSERT INTO log.written (text) VALUES ('whole')");
    in_time("another step", port.commit(step(0, token, 0, 6), work)).await.unwrap();
    assert_eq!((tables.rows().await, position(&port).await), (vec!["whole".to_owned()], Some(6)));
}

/// Calls that are dropped at each of their points in time leave no transaction open on a connection of the pool.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_call_that_is_dropped_anywhere_leaves_no_transaction_open() {
    let tables = Tables::new().await;
    let port = tables.port_with(1, &[("application_name", &tables.0.name)]).await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    let watch = tables.port_with(1, &[]).await;
    let (released, reported) = (partition(1), partition(0));
    // How often a call is polled is the machine's choice: an answer may be there before it is looked for.
    let mut dropped = 0;
    for polls in (1..=8).cycle().take(2_000) {
        let (mut call, mut polled) = (Box::pin(port.release(&released, token)), 0);
        let outcome = std::future::poll_fn(|context| {
            polled += 1;
            let outcome = call.as_mut().poll(context);
            if polled == polls {
                std::task::Poll::Ready(Some(outcome.is_ready()))
            } else {
                outcome.map(|_| None)
            }
        });
        let is_dropped = in_time("a call", outcome).await == Some(false);
        drop(call);
        let report = port.report(&reported, token, "after it");
        in_time("the call after it", report).await.unwrap();
        let error = watch.consumers().await.unwrap()[0].partitions[0].error.clone();
        assert_eq!(error.as_deref(), Some("after it"), "after {polls} polls");
        port.commit(Step::new(partition(0), token), None).await.unwrap();
        dropped += usize::from(is_dropped);
        if dropped == 24 {
            return;
        }
    }
    panic!("only {dropped} calls had not ended when they were dropped");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_connection_that_the_server_ends_is_told_as_what_it_is() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    let work = tables.work(
        "INSERT INTO log.written (text) VALUES ('half');
         SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(10)",
    );
    let error = port.commit(step(0, token, 0, 5), work).await.unwrap_err();
    let PortError::Database(cause) = &error else { panic!("{error:?}") };
    assert_eq!(cause.kind(), StoreErrorKind::Unavailable, "{error:?}");
    assert_eq!((tables.rows().await, position(&port).await), (Vec::new(), None));

    // While it commits: nobody knows whether it did.
    tables
        .run(
            "CREATE FUNCTION log.fault() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON log.written DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION log.fault()",
        )
        .await;
    let work = tables.work("INSERT INTO log.written (text) VALUES ('half')");
    let error = port.commit(step(0, token, 0, 5), work).await.unwrap_err();
    let PortError::Database(cause) = &error else { panic!("{error:?}") };
    assert_eq!(cause.kind(), StoreErrorKind::OutcomeUnknown, "{error:?}");
    eventually("the partition is where it was", || async { position(&port).await.is_none() }).await;
    tables.run("DROP TRIGGER fault ON log.written").await;
    port.commit(step(0, token, 0, 5), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn work_that_lost_against_another_transaction_has_not_failed() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    let work = tables.work("DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END$$");
    let error = port.commit(step(0, token, 0, 5), work).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
    let work = tables.work("DO $$BEGIN RAISE EXCEPTION 'no'; END$$");
    let error = port.commit(step(0, token, 0, 5), work).await.unwrap_err();
    assert!(matches!(error, PortError::Work(_)), "{error:?}");
    assert_eq!(position(&port).await, at(0).map(|position| position.get()));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_client_that_stops_is_cut_off_after_a_while() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    let setting = "INSERT INTO log.written (text)
         SELECT current_setting('idle_in_transaction_session_timeout')";
    port.commit(step(0, token, 0, 1), tables.work(setting)).await.unwrap();
    let settings = [("idle_in_transaction_session_timeout", "9s")];
    let stricter = tables.port_with(1, &settings).await;
    stricter.commit(step(0, token, 1, 2), tables.work(setting)).await.unwrap();
    assert_eq!(tables.rows().await, ["1min", "9s"]);
}
