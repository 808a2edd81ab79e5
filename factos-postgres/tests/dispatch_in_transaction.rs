//! Commands within a transaction of the caller's, beside the caller's own changes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use factos::{
    Decider, ErrorKind, Event, EventStore, EventStoreExt, Query, QueryFor, ReadOptions,
    SequencePosition, TransactionalStore, dispatch, dispatch_stream,
};
use factos_postgres::{
    Config, Error, Mode, PostgresStore,
    sqlx::{AssertSqlSafe, query, query_scalar},
};
use support::{Schema, eventually, in_time, of_show, pool};

#[derive(Debug, Clone, PartialEq, Event)]
enum Ticketing {
    Sold {
        #[tag]
        show: String,
    },
}

struct BoxOffice {
    seats: usize,
}

#[derive(Debug, PartialEq)]
struct SoldOut;

impl Decider for BoxOffice {
    type Command = String;
    type Event = Ticketing;
    type State = usize;
    type Error = SoldOut;

    fn initial(&self) -> usize {
        0
    }

    fn evolve(&self, sold: usize, _: &Ticketing) -> usize {
        sold + 1
    }

    fn decide(&self, sold: &usize, show: &String) -> Result<Vec<Ticketing>, SoldOut> {
        if *sold < self.seats {
            Ok(vec![Ticketing::Sold { show: show.clone() }])
        } else {
            Err(SoldOut)
        }
    }

    fn context(&self, show: &String) -> QueryFor<Ticketing> {
        Ticketing::query().show(show).into()
    }
}

const OFFICE: BoxOffice = BoxOffice { seats: 2 };

async fn with_table(schema: &Schema) -> PostgresStore {
    schema.run("CREATE TABLE log.paid (show text PRIMARY KEY)").await;
    schema.open().await
}

fn paid(schema: &Schema) -> String {
    format!("INSERT INTO \"{}\".paid VALUES ($1)", schema.name)
}

async fn paid_for(schema: &Schema, store: &PostgresStore) -> i64 {
    let sql = format!("SELECT count(*) FROM \"{}\".paid", schema.name);
    query_scalar(AssertSqlSafe(sql)).fetch_one(store.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_command_and_the_callers_changes_are_committed_together_or_not_at_all() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = with_table(&schema).await;
        let show = "a".to_owned();
        for (commits, events) in [(false, 0), (true, 1)] {
            let mut transaction = store.pool().begin().await.unwrap();
            let insert = query(AssertSqlSafe(paid(&schema))).bind(&show);
            insert.execute(&mut *transaction).await.unwrap();
            let sold = dispatch(&store, &OFFICE).run_in(&mut transaction, &show).await.unwrap();
            assert_eq!((sold.records.len(), sold.state, sold.attempts), (1, 1, 1));
            if commits {
                transaction.commit().await.unwrap();
            } else {
                transaction.rollback().await.unwrap();
            }
            let written = store.read_all(&of_show("a")).await.unwrap();
            assert_eq!((written.len(), paid_for(&schema, &store).await), (events, events as i64));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_transaction_sees_its_own_events_and_decides_on_them() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let show = "a".to_owned();
        let mut transaction = store.pool().begin().await.unwrap();
        for state in 1..=2 {
            let sold = dispatch(&store, &OFFICE).run_in(&mut transaction, &show).await.unwrap();
            assert_eq!(sold.state, state);
        }
        let refused = dispatch(&store, &OFFICE).run_in(&mut transaction, &show).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Domain);
        // A boundary of types does not wait for the transaction's own events either.
        let everywhere = BoxOffice { seats: 9 }.with_context(|_| QueryFor::all_types());
        let counting = dispatch(&store, &everywhere).run_in(&mut transaction, &show);
        let counted = in_time("the count", counting);
        assert_eq!(counted.await.unwrap().state, 3);
        let keyed = || dispatch_stream(&store, &OFFICE, "s").idempotency_key("k");
        let streamed = keyed().run_in(&mut transaction, &show).await.unwrap();
        assert_eq!((streamed.state, streamed.records[0].revision), (1, Some(0)));
        assert!(keyed().run_in(&mut transaction, &show).await.unwrap().replayed);
        transaction.commit().await.unwrap();
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 4);
    }
}

/// What a handle remembers of its log must not come from a transaction that is rolled back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_rolled_back_transaction_leaves_nothing_in_the_handle() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let show = "a".to_owned();
        let mut transaction = store.pool().begin().await.unwrap();
        dispatch(&store, &OFFICE).run_in(&mut transaction, &show).await.unwrap();
        dispatch(&store, &OFFICE).run_in(&mut transaction, &show).await.unwrap();
        let events =
            store.read_in(&mut transaction, &of_show("a"), ReadOptions::all()).await.unwrap();
        assert_eq!(events.collect().await.unwrap().len(), 2);
        transaction.rollback().await.unwrap();
        assert_eq!(store.read_all(&Query::all()).await.unwrap(), []);
        assert_eq!(store.head().await.unwrap(), None);
        let sold = dispatch(&store, &OFFICE).run(&show).await.unwrap();
        assert_eq!(sold.state, 1);
        // Nothing above it is remembered as the head.
        let past = sold.position;
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(200), store.wait_past(past))
                .await
                .is_err()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn another_sale_that_was_accepted_first_is_a_conflict_or_is_read() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let last_seat = BoxOffice { seats: 1 };
        let show = "a".to_owned();
        // 8 transactions at once, each tried again by its caller.
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (store, show) = (store.clone(), show.clone());
            tasks.push(tokio::spawn(async move {
                let office = BoxOffice { seats: 1 };
                loop {
                    let mut transaction = store.pool().begin().await.unwrap();
                    let sold = dispatch(&store, &office).run_in(&mut transaction, &show).await;
                    match sold {
                        Ok(_) => {
                            transaction.commit().await.unwrap();
                            return true;
                        }
                        Err(factos::Error::Domain(SoldOut)) => return false,
                        Err(error) if error.is_retryable() => {
                            transaction.rollback().await.unwrap();
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }));
        }
        let mut sold = 0;
        for task in tasks {
            sold += usize::from(in_time("a sale", task).await.unwrap());
        }
        assert_eq!((sold, store.read_all(&of_show("a")).await.unwrap().len()), (1, 1));
        let late = dispatch(&store, &last_seat).run(&show).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Domain);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_read_in_a_transaction_goes_page_by_page_and_both_ways() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let batch: Vec<_> = (0..5000).map(|_| support::sold("a")).collect();
    store.append(batch, factos::AppendCondition::None).await.unwrap();
    let mut transaction = store.pool().begin().await.unwrap();
    for (options, first, last) in
        [(ReadOptions::all(), 1, 5000), (ReadOptions::all().backwards(), 5000, 1)]
    {
        let events = store.read_in(&mut transaction, &of_show("a"), options).await.unwrap();
        assert_eq!(events.observed(), SequencePosition::new(5000));
        let page = events.collect().await.unwrap();
        let ends = (page[0].position.get(), page[4999].position.get());
        assert_eq!((page.len(), ends), (5000, (first, last)));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_read_of_everything_after_an_append_of_the_transaction_ends_with_the_lock_timeout() {
    let schema = Schema::new(Mode::Keyed).await;
    let config: Config = schema.config().lock_timeout(std::time::Duration::from_millis(300));
    let store = schema.open_with(config).await;
    // Its position stays a gap, beside which only the watermark tells how far the log is complete.
    let mut gap = store.pool().begin().await.unwrap();
    dispatch(&store, &OFFICE).run_in(&mut gap, &"b".to_owned()).await.unwrap();
    gap.rollback().await.unwrap();
    let mut transaction = store.pool().begin().await.unwrap();
    dispatch(&store, &OFFICE).run_in(&mut transaction, &"a".to_owned()).await.unwrap();
    let everything = Query::all();
    let read = store.read_in(&mut transaction, &everything, ReadOptions::all());
    let error = in_time("the read", read).await.unwrap_err();
    assert!(matches!(support::cause(&error), Error::Locked { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_transaction_of_another_isolation_or_a_lost_one_is_told() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let show = "a".to_owned();
    let mut transaction = store.pool().begin().await.unwrap();
    query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").execute(&mut *transaction).await.unwrap();
    let refused = dispatch(&store, &OFFICE).run_in(&mut transaction, &show).await.unwrap_err();
    let factos::Error::Store(error) = &refused else { panic!("{refused:?}") };
    assert!(matches!(support::cause(error), Error::Isolation), "{error:?}");
    transaction.rollback().await.unwrap();

    let mut transaction = store.pool().begin().await.unwrap();
    let pid: i32 =
        query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *transaction).await.unwrap();
    let killer = pool(1).await;
    query("SELECT pg_terminate_backend($1)").bind(pid).execute(&killer).await.unwrap();
    eventually("it is gone", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
        let alive: i64 = query_scalar(sql).bind(pid).fetch_one(&killer).await.unwrap();
        alive == 0
    })
    .await;
    let refused = dispatch(&store, &OFFICE).run_in(&mut transaction, &show).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
}
