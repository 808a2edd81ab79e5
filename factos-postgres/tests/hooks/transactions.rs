//! Hooks of appends in a transaction of the caller's, and appends in a hook.

use factos::{AppendError, EventStore, EventStoreExt, Query, StoreErrorKind};
use factos_postgres::{Mode, sqlx::Connection};

use crate::{
    log::{Log, NONE, hook_error, run},
    support::{sold, unless_sold},
};

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn the_hook_of_a_handle_runs_in_transactions_of_the_caller_as_well() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let log = Log::new(mode).await;
        let hooked = log.copying();
        let mut transaction = hooked.pool().begin().await.unwrap();
        hooked.append_in(&mut transaction, vec![sold("1")], unless_sold("1")).await.unwrap();
        let bad = hooked.append_in(&mut transaction, vec![sold("2"), sold("bad")], NONE).await;
        assert_eq!(hook_error(bad), "bad");
        let refused = hooked.append_in(&mut transaction, vec![sold("1")], unless_sold("1")).await;
        assert!(refused.unwrap_err().is_conflict());
        hooked.append_in(&mut transaction, vec![sold("2")], unless_sold("2")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(log.equal().await, 2);
        let mut undone = hooked.pool().begin().await.unwrap();
        hooked.append_in(&mut undone, vec![sold("3")], NONE).await.unwrap();
        undone.rollback().await.unwrap();
        assert_eq!(log.equal().await, 2);
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_cannot_end_a_transaction_of_the_caller() {
    for (sql, message, is_open) in [
        ("COMMIT", "ended the transaction", false),
        ("ROLLBACK", "ended the transaction", false),
        ("SELECT 1 / 0", "a statement of the hook failed", true),
        ("CLOSE ALL", "ended the transaction", true),
    ] {
        let log = Log::new(Mode::Keyed).await;
        let hooked = log.running(sql);
        let mut connection = hooked.pool().acquire().await.unwrap();
        run(&mut connection, "BEGIN").await.unwrap();
        hooked.append_in(&mut connection, vec![sold("1")], NONE).await.unwrap();
        let message_told =
            hook_error(hooked.append_in(&mut connection, vec![sold("bad")], NONE).await);
        assert!(message_told.contains(message), "{sql}: {message_told}");
        run(&mut connection, "COMMIT").await.unwrap();
        assert_eq!(log.equal().await, i64::from(is_open), "{sql}");
    }
    let log = Log::new(Mode::Keyed).await;
    let hooked = log.running("CLOSE ALL; COMMIT");
    let mut transaction = hooked.pool().begin().await.unwrap();
    let error = hooked.append_in(&mut transaction, vec![sold("bad")], NONE).await.unwrap_err();
    assert!(
        matches!(&error, AppendError::Store(error) if error.kind() == StoreErrorKind::OutcomeUnknown),
        "{error:?}"
    );
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_hook_appends_in_its_own_transaction() {
    let log = Log::new(Mode::Keyed).await;
    let copying = log.copying();
    let hooked = log.store.with_hook(move |connection, records| {
        let copying = copying.clone();
        let table = log_table(records);
        Box::pin(async move {
            let records_of_hook = copying.append_in(connection, vec![sold(&table)], NONE).await?;
            assert!(records_of_hook[0].position > records[0].position);
            Ok(())
        })
    });
    let hooked = hooked.with_hook({
        let table = log.table();
        move |connection, records| table.copy(connection, records)
    });
    hooked.append(vec![sold("1")], NONE).await.unwrap();
    let undone = hooked.append(vec![sold("2"), sold("bad")], NONE).await;
    assert_eq!(hook_error(undone), "bad");
    assert_eq!(log.equal().await, 2);
    assert_eq!(log.store.read_all(&Query::all()).await.unwrap().len(), 2);
}

/// The show of what a hook appends.
fn log_table(records: &[factos::Recorded<factos::Bytes>]) -> String {
    format!("after-{}", records.len())
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_follower_wakes_at_once_after_an_append_with_a_hook() {
    let log = Log::new(Mode::Keyed).await;
    let config = log.schema.config().poll_interval(std::time::Duration::from_secs(3600));
    let store = log.schema.open_with(config).await;
    let hooked = crate::log::copying(&store, &log.table());
    let before = hooked.append(vec![sold("1")], NONE).await.unwrap()[0].position;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.wait_past(Some(before)).await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    hooked.append(vec![sold("2")], NONE).await.unwrap();
    crate::support::in_time("the follower", waiting).await.unwrap().unwrap();
    let mut transaction = store.pool().acquire().await.unwrap();
    let pinged = transaction.ping().await;
    pinged.unwrap();
}
