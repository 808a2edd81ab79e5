//! The tables: how they are made, and what does not fit.

use factos::{ErrorKind, ErrorReport};
use factos_consumer::port::{
    Beat, Failure, NewParked, ParkedQuery, Port, PortError, ProcessId, Step,
};
use factos_sqlite::SqliteConsumers;

use crate::file::{File, LONG, lease, moves, open, partition};

fn beat() -> Beat {
    let process = ProcessId("a".to_owned());
    Beat { process, serves: vec![partition().consumer], held: Vec::new(), lease: LONG }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_make_them_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    open(path.clone()).await.close().await.unwrap();
    let mut handles = Vec::new();
    for _ in 0..6 {
        handles.push(SqliteConsumers::new(&open(path.clone()).await));
    }
    let making = handles.iter().map(|handle| {
        let handle = handle.clone();
        tokio::spawn(async move { handle.migrate().await })
    });
    for made in making.collect::<Vec<_>>() {
        made.await.unwrap().unwrap();
    }
    lease(&handles[0]).await;
    handles[5].migrate().await.unwrap();
    assert_eq!(handles[5].consumers().await.unwrap().len(), 1, "what was there stays");
}

#[tokio::test]
async fn an_application_may_make_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let consumers = SqliteConsumers::new(&open(path.clone()).await);
    let error = consumers.consumers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken, "{error:?}");
    let PortError::Database(cause) = &error else { panic!("{error:?}") };
    assert!(cause.report().to_string().contains("SqliteConsumers::migrate"), "{}", cause.report());
    assert_eq!(consumers.beat(&beat()).await.unwrap_err().kind(), ErrorKind::Broken);
    let connection = factos_sqlite::rusqlite::Connection::open(path).unwrap();
    for _ in 0..2 {
        connection.execute_batch(SqliteConsumers::sql()).unwrap();
    }
    lease(&consumers).await;
}

#[tokio::test]
async fn those_of_another_version_are_left_alone() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    file.sql().execute("UPDATE factos_consumer_format SET format = 2", []).unwrap();
    file.sql().execute("DROP TABLE factos_consumer_parked", []).unwrap();
    let outcomes = [
        consumers.migrate().await,
        consumers.beat(&beat()).await.map(drop),
        consumers.commit(moves(token, 0, 1), None).await,
        consumers.consumers().await.map(drop),
        file.consumers().await.release(&partition(), token).await,
    ];
    for outcome in outcomes {
        let is_told = matches!(outcome, Err(PortError::Format { found: 2, known: 1 }));
        assert!(is_told, "{outcome:?}");
    }
    let made = "SELECT count(*) FROM sqlite_schema WHERE name = 'factos_consumer_parked'";
    let made: u32 = file.sql().query_row(made, [], |row| row.get(0)).unwrap();
    assert_eq!(made, 0, "nothing is made in tables of another version");
}

/// One event of partition 0 is parked.
async fn with_parked() -> (File, SqliteConsumers) {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    consumers.beat(&beat()).await.unwrap();
    let failure = Failure { attempts: 1, reason: "no".to_owned(), retry_in: None };
    let (position, key) = (factos::SequencePosition::new(1).unwrap(), Some("x".to_owned()));
    let event = NewParked { position, index: 0, key, slot: 0, failure };
    let park = Step { park: vec![event], ..moves(token, 0, 1) };
    consumers.commit(park, None).await.unwrap();
    (file, consumers)
}

/// The first error of the calls that look, if there is one.
async fn look(consumers: &SqliteConsumers) -> Result<(), PortError> {
    consumers.consumers().await?;
    let consumer = partition().consumer;
    consumers.parked(&ParkedQuery::Listed { consumer, after: None }, 10).await?;
    let waits = Beat { process: ProcessId("b".to_owned()), ..beat() };
    consumers.beat(&waits).await?;
    consumers.acquire(&waits.process, &partition(), LONG).await.map(drop)
}

#[tokio::test]
async fn a_damaged_row_is_told() {
    let damages = [
        ("factos_consumer", "version = -1"),
        ("factos_consumer", "version = 1 << 40"),
        ("factos_consumer", "state = 'resting'"),
        ("factos_consumer", "succession = ''"),
        ("factos_consumer", "resize_to = -1"),
        ("factos_consumer", "resize_until = 5"),
        ("factos_consumer", "resize_to = 2, resize_until = -5"),
        ("factos_consumer_partition", "number = 1"),
        ("factos_consumer_partition", "number = -1"),
        ("factos_consumer_partition", "position = 0"),
        ("factos_consumer_partition", "position = -1"),
        ("factos_consumer_partition", "event_id = x'01'"),
        ("factos_consumer_partition", "event_id = NULL"),
        ("factos_consumer_partition", "log_id = NULL"),
        ("factos_consumer_partition", "owner = NULL"),
        ("factos_consumer_partition", "token = NULL"),
        ("factos_consumer_partition", "error = CAST(x'ff' AS TEXT)"),
        ("factos_consumer_process", "serves = '[[1]]'"),
        ("factos_consumer_process", "serves = ''"),
        ("factos_consumer_process", "process = CAST(x'ff' AS TEXT) WHERE process = 'a'"),
        ("factos_consumer_parked", "position = -1"),
        ("factos_consumer_parked", "effect = -1"),
        ("factos_consumer_parked", "attempts = 1 << 40"),
        ("factos_consumer_parked", "slot = -1"),
        ("factos_consumer_parked", "key = CAST(x'ff' AS TEXT)"),
        ("factos_consumer_parked", "reason = CAST(x'ff' AS TEXT)"),
        ("factos_consumer_format", "last_token = -1"),
        ("factos_consumer_format", "last_token = 9223372036854775807"),
    ];
    for (table, damage) in damages {
        let (file, consumers) = with_parked().await;
        look(&consumers).await.unwrap();
        let free = "UPDATE factos_consumer_partition SET leased_for = 0;";
        let sql =
            format!("PRAGMA ignore_check_constraints = ON; {free} UPDATE {table} SET {damage}");
        file.sql().execute_batch(&sql).unwrap();
        match look(&consumers).await {
            // A row at a negative position is before all that are asked for.
            Ok(()) if damage == "position = -1" && table == "factos_consumer_parked" => {}
            Err(PortError::Damaged { what }) => assert!(what.contains(table), "{damage}: {what}"),
            outcome => panic!("{table} {damage}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_table_without_its_row_is_damaged() {
    let (file, consumers) = with_parked().await;
    file.sql().execute("DELETE FROM factos_consumer_format", []).unwrap();
    let outcome = look(&consumers).await;
    assert!(matches!(outcome, Err(PortError::Damaged { .. })), "{outcome:?}");
}
