//! The transaction of a group begins in the message that commits the one before, for as long as appends come.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use factos::{AppendError, EventId, EventStore, StoreErrorKind};
use factos_postgres::{
    Config, Mode, PostgresStore,
    sqlx::{self, PgConnection, Row},
};
use futures_util::future::join_all;

use crate::{
    log::{Log, NONE, Verdict, has, hook_error, run, small_pool},
    support::{sold, unless_sold},
};

/// Appends of so many clients, one after the other for each, to boundaries of their own. Every fifth is of the show
/// "bad", and unconditional.
async fn appends(store: &PostgresStore, clients: usize, each: usize) -> Vec<Verdict> {
    let clients = (0..clients).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut verdicts = Vec::new();
            for n in 0..each {
                let (show, condition) = if n % 5 == 3 {
                    ("bad".into(), NONE)
                } else {
                    let show = EventId::new().to_string();
                    (show.clone(), unless_sold(&show))
                };
                verdicts.push(store.append(vec![sold(&show)], condition).await);
            }
            verdicts
        })
    });
    join_all(clients).await.into_iter().flat_map(Result::unwrap).collect()
}

/// A transaction whose time is before the commit of another one, in the same session, began in the message of that.
const BEGUN_BEFORE_A_COMMIT: &str = "SELECT count(DISTINCT later.begun) FROM log.times later JOIN log.times earlier
    ON later.process = earlier.process AND later.begun > earlier.begun AND later.begun < earlier.committed";

/// Has each commit of a hook's rows note when it began and when it was about to end, and run this besides.
async fn note_times(log: &Log, besides: &str) {
    let sql = format!(
        "CREATE TABLE log.times (process int, begun timestamptz, committed timestamptz);
         CREATE FUNCTION log.note() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
           INSERT INTO log.times VALUES (pg_backend_pid(), now(), clock_timestamp());
           {besides}
           RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER note AFTER INSERT ON log.seen DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION log.note()"
    );
    log.schema.run(&sql).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_transaction_begins_with_the_commit_of_the_one_before() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let log = Log::new(mode).await;
        note_times(&log, "").await;
        for verdict in appends(&log.running("SELECT 1"), 8, 50).await {
            verdict.unwrap();
        }
        assert_eq!(log.equal().await, 8 * 50);
        assert!(log.number(BEGUN_BEFORE_A_COMMIT).await > 10, "{mode:?}");
    }
}

/// The next group meets a commit that failed, and one whose answer is lost: each append is told what became of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_commit_that_fails_is_told_to_its_own_appends() {
    let failing = "IF NEW.tags LIKE '%show:bad%' THEN RAISE EXCEPTION 'not sold'; END IF;";
    let lost = "IF NEW.tags LIKE '%show:bad%' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;";
    for (mode, besides) in [(Mode::Keyed, failing), (Mode::Portable, failing), (Mode::Keyed, lost)]
    {
        let log = Log::new(mode).await;
        note_times(&log, besides).await;
        let verdicts = appends(&log.running("SELECT 1"), 8, 25).await;
        let mut accepted = 0;
        for verdict in verdicts {
            match verdict {
                Ok(_) => accepted += 1,
                Err(AppendError::Store(error)) if besides == lost => {
                    assert_eq!(error.kind(), StoreErrorKind::OutcomeUnknown);
                }
                error => assert!(hook_error(error).contains("not sold")),
            }
        }
        assert_eq!(log.equal().await, accepted);
        assert!(besides == lost || accepted == 8 * 20, "{accepted}");
    }
}

/// What the hook of one group leaves in its session is met by no later hook, and by nobody who uses the pool.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_a_hook_leaves_in_its_session_is_met_by_no_later_group() {
    let log = Log::new(Mode::Keyed).await;
    let pool = small_pool(4).await;
    let store = Config::open(log.schema.config(), pool.clone()).await.unwrap();
    for sql in [
        "SET search_path = pg_temp",
        "SET default_transaction_isolation = 'serializable'",
        "SET default_transaction_read_only = off",
        "SET session_replication_role = replica",
        "SET ROLE pg_monitor",
        "SET TIME ZONE 'Asia/Tokyo'",
        "SET LOCAL search_path = pg_temp",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET TRANSACTION READ ONLY",
    ] {
        let found = Arc::new(Mutex::new(HashSet::new()));
        let finds = Arc::clone(&found);
        let hooked = store.with_group_hook(move |connection, appends| {
            let finds = Arc::clone(&finds);
            let is_bad = appends.iter().any(|records| has(records, "bad"));
            Box::pin(async move {
                let state = state(connection).await?;
                finds.lock().unwrap().insert(state);
                if is_bad {
                    run(connection, sql).await?;
                }
                Ok(())
            })
        });
        for verdict in appends(&hooked, 8, 20).await {
            verdict.unwrap();
        }
        let found = found.lock().unwrap().clone();
        assert_eq!(found.len(), 1, "{sql}: {found:?}");
        for _ in 0..8 {
            let mut connection = pool.acquire().await.unwrap();
            assert!(found.contains(&state(&mut connection).await.unwrap()), "{sql}");
        }
    }
}

async fn state(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let row = sqlx::query(
        "SELECT concat_ws(' ', current_setting('search_path'), current_setting('default_transaction_isolation'),
           current_setting('session_replication_role'), current_user = session_user, current_setting('TimeZone'),
           current_setting('transaction_isolation'), current_setting('transaction_read_only'))",
    );
    Ok(row.fetch_one(connection).await?.get(0))
}
