//! Every call ends within its own timeout, whoever holds the locks of its path, and what nobody holds does not
//! wait with it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use factos::{
    AppendCondition, AppendError, EventStore, EventStoreExt, EventType, NewEvent, Query, QueryItem,
    ReadOptions, StoreError, StoreErrorKind, StreamName,
};
use factos_postgres::{
    Config, Mode, PostgresStore,
    sqlx::{AssertSqlSafe, Executor, Postgres, Transaction, raw_sql},
};
use futures_util::{
    TryStreamExt,
    future::{BoxFuture, FutureExt, join, join_all},
};
use support::{Schema, in_time, of_show, pool, sold, unless_sold};

const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How much later than its timeout a call may end. Waiting twice in a row goes beyond it each time, a busy machine by chance:
/// a call that is late is made again.
const SLACK: Duration = Duration::from_millis(900);
const MOST_TRIES: usize = 10;

fn config(schema: &Schema) -> Config {
    schema.config().lock_timeout(LOCK_TIMEOUT).socket_timeout(Duration::from_secs(60))
}

fn other(show: &str) -> NewEvent {
    let mut event = sold(show);
    event.event_type = EventType::from_static("Other");
    event
}

fn stream() -> StreamName {
    StreamName::new("held").unwrap()
}

fn in_stream(show: &str) -> NewEvent {
    let mut event = other(show);
    event.stream = Some(stream());
    event
}

/// More events than a first page holds.
async fn fill(store: &PostgresStore) {
    let mut events: Vec<_> = (0..600).map(|_| in_stream("many")).collect();
    events.push(other("held"));
    store.append(events, AppendCondition::None).await.unwrap();
}

async fn execute(transaction: &mut Transaction<'static, Postgres>, schema: &Schema, sql: &str) {
    let sql = sql.replace("log.", &format!("\"{}\".", schema.name));
    transaction.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
}

type Outcome = Result<(), StoreError>;
type Call<'a> = (&'static str, BoxFuture<'a, Outcome>);

fn kept(outcome: Result<impl Sized, AppendError>) -> Outcome {
    match outcome {
        Err(AppendError::Store(error)) => Err(error),
        _ => Ok(()),
    }
}

/// Every call of the store and of its configuration.
fn calls<'a>(store: &'a PostgresStore, schema: &'a Schema, held_id: &'a NewEvent) -> Vec<Call<'a>> {
    let read = |query: Query, options: ReadOptions| {
        async move { store.read(&query, options).await?.try_collect::<Vec<_>>().await.map(drop) }
            .boxed()
    };
    let append = |events: Vec<NewEvent>, condition| {
        async move { kept(store.append(events, condition).await) }.boxed()
    };
    let of_type = || Query::item(QueryItem::of_type(EventType::from_static("Other")));
    let all = ReadOptions::all();
    let backwards = || ReadOptions::all().backwards();
    vec![
        ("append", append(vec![other("free")], AppendCondition::None)),
        ("append to a held tag", append(vec![other("held")], unless_sold("held"))),
        ("append to a held stream", append(vec![in_stream("free")], AppendCondition::None)),
        ("append a held id", append(vec![held_id.clone()], AppendCondition::None)),
        (
            "append on everything",
            append(vec![other("1")], AppendCondition::fail_if_events_match(Query::all())),
        ),
        (
            "append on a type",
            append(vec![other("1")], AppendCondition::fail_if_events_match(of_type())),
        ),
        (
            "append_in",
            async move {
                let mut transaction = store.pool().begin().await.unwrap();
                let events = vec![other("held")];
                kept(store.append_in(&mut transaction, events, unless_sold("held")).await)
            }
            .boxed(),
        ),
        (
            "append_in of a held id",
            async move {
                let mut transaction = store.pool().begin().await.unwrap();
                let events = vec![held_id.clone()];
                kept(store.append_in(&mut transaction, events, AppendCondition::None).await)
            }
            .boxed(),
        ),
        ("read a tag", read(of_show("held"), all)),
        ("read a long tag", read(of_show("many"), all)),
        (
            "read tags",
            read(of_show("held").or(QueryItem::with_tag(support::show_tag("free"))), all),
        ),
        ("read a type", read(of_type(), all)),
        ("read everything", read(Query::all(), all)),
        ("read a tag backwards", read(of_show("held"), backwards())),
        ("read everything backwards", read(Query::all(), backwards())),
        (
            "read a stream",
            async move {
                let events = store.read_stream(&stream(), all).await?;
                events.try_collect::<Vec<_>>().await.map(drop)
            }
            .boxed(),
        ),
        ("head", async move { store.head().await.map(drop) }.boxed()),
        ("wait_past", async move { store.wait_past(None).await }.boxed()),
        ("migrate", async move { config(schema).migrate(store.pool()).await }.boxed()),
        ("open", async move { config(schema).open(store.pool().clone()).await.map(drop) }.boxed()),
    ]
}

/// Runs every call by itself while something is held. Some succeed, and those that do not are told as busy.
async fn every_call_ends(store: &PostgresStore, schema: &Schema, held_id: &NewEvent, what: &str) {
    let names: Vec<_> = calls(store, schema, held_id).into_iter().map(|(name, _)| name).collect();
    for (index, name) in names.into_iter().enumerate() {
        let what = format!("{name} beside {what}");
        let call = || timed(&what, calls(store, schema, held_id).swap_remove(index).1);
        if let Err(error) = in_its_time(&what, call).await {
            assert_eq!(error.kind(), StoreErrorKind::Busy, "{what}: {error:?}");
        }
    }
}

async fn timed<T>(what: &str, call: impl Future<Output = T>) -> (T, Duration) {
    let from = Instant::now();
    let outcome = in_time(what, call).await;
    (outcome, from.elapsed())
}

/// The outcome of a try that took no longer than its timeout.
async fn in_its_time<T, F: Future<Output = (T, Duration)>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let mut late = Vec::new();
    while late.len() < MOST_TRIES {
        let (outcome, took) = attempt().await;
        if took < LOCK_TIMEOUT + SLACK {
            return outcome;
        }
        late.push(took);
    }
    panic!("{what} took {late:?}");
}

async fn calls_end_beside(mode: Mode, what: &str, hold: &str) {
    let schema = Schema::new(mode).await;
    let store = config(&schema).open(pool(12).await).await.unwrap();
    fill(&store).await;
    let held_id = sold("id");
    // A handle that has not waited for anything, so that `wait_past` has to look.
    let fresh = config(&schema).open(pool(12).await).await.unwrap();
    let mut transaction = store.pool().begin().await.unwrap();
    if hold.is_empty() {
        let events = vec![in_stream("held"), sold("held"), held_id.clone()];
        store.append_in(&mut transaction, events, AppendCondition::None).await.unwrap();
    } else {
        execute(&mut transaction, &schema, hold).await;
    }
    every_call_ends(&fresh, &schema, &held_id, what).await;
    transaction.rollback().await.unwrap();
    fresh.append(vec![other("held")], AppendCondition::None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn calls_end_beside_an_open_append() {
    calls_end_beside(Mode::Keyed, "an open append", "").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn calls_end_beside_an_open_append_to_a_portable_log() {
    calls_end_beside(Mode::Portable, "an open append, portable", "").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn calls_end_beside_a_lock_on_a_table() {
    for table in ["events", "tags", "meta"] {
        let sql = format!("LOCK TABLE log.{table} IN ACCESS EXCLUSIVE MODE");
        calls_end_beside(Mode::Keyed, table, &sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn calls_end_beside_a_lock_on_the_head_of_a_portable_log() {
    calls_end_beside(Mode::Portable, "head", "SELECT FROM log.head FOR UPDATE").await;
    let table = "LOCK TABLE log.head IN ACCESS EXCLUSIVE MODE";
    calls_end_beside(Mode::Portable, "table head", table).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn calls_end_beside_a_lock_on_the_whole_log() {
    let hold = "SELECT log._lock(NULL, NULL, true)";
    calls_end_beside(Mode::Keyed, "the whole log", hold).await;
}

/// Another connection locks the table between two pages.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn later_pages_end_in_time() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = config(&schema).open(pool(12).await).await.unwrap();
    fill(&store).await;
    let backwards = ReadOptions::all().backwards();
    let reads = [
        (Some(Query::all()), ReadOptions::all()),
        (Some(Query::all()), backwards),
        (Some(of_show("many")), ReadOptions::all()),
        (Some(of_show("many")), backwards),
        (None, ReadOptions::all()),
        (None, backwards),
    ];
    for (query, options) in reads {
        let read = || async {
            let events = match &query {
                Some(query) => store.read(query, options).await.unwrap(),
                None => store.read_stream(&stream(), options).await.unwrap(),
            };
            let mut transaction = store.pool().begin().await.unwrap();
            let lock = "LOCK TABLE log.events IN ACCESS EXCLUSIVE MODE";
            execute(&mut transaction, &schema, lock).await;
            let ended = timed("the read", events.try_collect::<Vec<_>>()).await;
            transaction.rollback().await.unwrap();
            ended
        };
        let outcome = in_its_time(&format!("{query:?}"), read).await;
        assert_eq!(outcome.unwrap_err().kind(), StoreErrorKind::Busy);
    }
}

/// The slowest of many calls that wait for the same held lock, each counted from its own beginning.
async fn slowest(calls: impl IntoIterator<Item = impl Future<Output = Outcome>>) -> ((), Duration) {
    let timed = calls.into_iter().map(|call| async {
        let (outcome, took) = timed("a call", call).await;
        assert_eq!(outcome.unwrap_err().kind(), StoreErrorKind::Busy);
        took
    });
    ((), join_all(timed).await.into_iter().max().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn many_calls_that_wait_for_one_lock_end_together() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = config(&schema).open(pool(12).await).await.unwrap();
    let mut transaction = store.pool().begin().await.unwrap();
    store.append_in(&mut transaction, vec![sold("held")], AppendCondition::None).await.unwrap();
    // A later event, which a read of everything may not tell before the one that is held.
    store.append(vec![other("2")], AppendCondition::None).await.unwrap();
    let all = AppendCondition::fail_if_events_match(Query::all());
    let append = |condition: &AppendCondition| {
        let (store, condition) = (store.clone(), condition.clone());
        async move { kept(store.append(vec![other("1")], condition).await) }
    };
    let read = |query: Query| {
        let store = store.clone();
        async move { store.read(&query, ReadOptions::all()).await.map(drop) }
    };
    let held = unless_sold("held");
    in_its_time("appends on everything", || slowest((0..20).map(|_| append(&all)))).await;
    in_its_time("appends on a tag", || slowest((0..60).map(|_| append(&held)))).await;
    in_its_time("reads of a tag", || slowest((0..60).map(|_| read(of_show("held"))))).await;
    in_its_time("reads of everything", || slowest((0..60).map(|_| read(Query::all())))).await;
}

/// As many boundaries are held as would take every connection: the free ones are used on, and one that many use.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn held_boundaries_leave_the_free_ones_alone() {
    let schema = Schema::new(Mode::Keyed).await;
    let config = schema.config().lock_timeout(4 * support::STUCK);
    let store = config.open(pool(12).await).await.unwrap();
    let holder = schema.open().await;
    let mut transaction = holder.pool().begin().await.unwrap();
    let held: Vec<_> = (0..30).map(|n| sold(&format!("held {n}"))).collect();
    holder.append_in(&mut transaction, held, AppendCondition::None).await.unwrap();
    let waiting: Vec<_> = (0..120)
        .map(|n| {
            let (store, show) = (store.clone(), format!("held {}", n % 30));
            tokio::spawn(async move {
                if n % 2 == 0 {
                    store.read(&of_show(&show), ReadOptions::all()).await.map(drop)
                } else {
                    kept(
                        store
                            .append(
                                vec![other(&show)],
                                AppendCondition::fail_if_events_match(of_show(&show)),
                            )
                            .await,
                    )
                }
            })
        })
        .collect();
    let free = |n: usize| {
        let store = store.clone();
        async move {
            let show = format!("free {n}");
            for round in 0..20 {
                let seen = store.read(&of_show(&show), ReadOptions::all()).await.unwrap();
                let condition =
                    AppendCondition::fail_if_events_match(of_show(&show)).after(seen.observed());
                let seen: Vec<_> = seen.try_collect().await.unwrap();
                assert_eq!(seen.len(), round);
                store.append(vec![other(&show)], condition).await.unwrap();
            }
        }
    };
    let hot = || async {
        let mut accepted = 0;
        while accepted < 10 {
            let seen = store.read(&of_show("hot"), ReadOptions::all()).await.unwrap().observed();
            let condition = AppendCondition::fail_if_events_match(of_show("hot")).after(seen);
            match store.append(vec![other("hot")], condition).await {
                Ok(_) => accepted += 1,
                Err(error) => assert!(error.is_conflict(), "{error:?}"),
            }
        }
    };
    let hot = join_all((0..8).map(|_| hot()));
    let free = join_all((0..16).map(free));
    in_time("a free boundary, or a hot one", join(free, hot)).await;
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    transaction.rollback().await.unwrap();
    for outcome in in_time("a held boundary", join_all(waiting)).await {
        outcome.unwrap().unwrap();
    }
}

/// What waits for one name holds none of its others.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_waits_for_one_boundary_leaves_its_other_one_alone() {
    let schema = Schema::new(Mode::Keyed).await;
    let config = || schema.config().lock_timeout(4 * support::STUCK);
    let store = config().open(pool(12).await).await.unwrap();
    let another = config().open(pool(12).await).await.unwrap();
    let mut transaction = another.pool().begin().await.unwrap();
    another.append_in(&mut transaction, vec![sold("b")], AppendCondition::None).await.unwrap();
    let either = of_show("a").or(QueryItem::with_tag(support::show_tag("b")));
    let reading = tokio::spawn({
        let (store, either) = (store.clone(), either.clone());
        async move { store.read_all(&either).await.map(drop) }
    });
    let appending = tokio::spawn({
        let (store, mut event) = (store.clone(), other("a"));
        event.tags.insert(&support::show_tag("b"));
        let condition = AppendCondition::fail_if_events_match(either);
        async move { store.append(vec![event], condition).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    for store in [&store, &another] {
        let append = store.append(vec![other("a")], AppendCondition::None);
        in_time("an append on a", append).await.unwrap();
        in_time("a read of a", store.read_all(&of_show("a"))).await.unwrap();
    }
    assert!(!reading.is_finished() && !appending.is_finished());
    transaction.rollback().await.unwrap();
    in_time("the read", reading).await.unwrap().unwrap();
    assert!(in_time("the append", appending).await.unwrap().unwrap_err().is_conflict());
}

/// A transaction holds an id that one append of each group brings as well.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_held_id_leaves_the_rest_of_its_group_alone() {
    let schema = Schema::new(Mode::Keyed).await;
    let config = || schema.config().lock_timeout(4 * support::STUCK);
    let store = config().open(pool(12).await).await.unwrap();
    let holder = schema.open().await;
    let held = sold("holder");
    let mut transaction = holder.pool().begin().await.unwrap();
    holder.append_in(&mut transaction, vec![held.clone()], AppendCondition::None).await.unwrap();
    let waiting = tokio::spawn({
        let (store, mut event) = (store.clone(), other("its own"));
        event.id = held.id;
        async move { store.append(vec![event], AppendCondition::None).await }
    });
    let append = |n: usize| {
        let (store, mut event) = (store.clone(), other(&n.to_string()));
        if n == 10 {
            event.id = held.id;
        }
        tokio::spawn(async move { store.append(vec![event], AppendCondition::None).await })
    };
    let mut group: Vec<_> = (0..20).map(append).collect();
    let held_too = group.remove(10);
    for outcome in in_time("an innocent append", join_all(group)).await {
        outcome.unwrap().unwrap();
    }
    assert!(!waiting.is_finished() && !held_too.is_finished());
    transaction.commit().await.unwrap();
    for outcome in in_time("the others", join_all([waiting, held_too])).await {
        let outcome = outcome.unwrap();
        assert!(matches!(outcome, Err(AppendError::DuplicateEventId(id)) if id == held.id));
    }
}

/// Appends that never read, under a condition that never holds, do not keep a reader out.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_reader_gets_its_turn_beside_appends_that_are_refused() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let (over, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (store, over, refused) = (store.clone(), Arc::clone(&over), Arc::clone(&refused));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let outcome = store.append(vec![sold("1")], unless_sold("1")).await;
                    assert!(outcome.unwrap_err().is_conflict());
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    support::eventually("they are refused", || async { refused.load(Ordering::Relaxed) > 20 })
        .await;
    for _ in 0..50 {
        let read = in_time("the read", store.read_all(&of_show("1"))).await;
        assert_eq!(read.unwrap().len(), 1);
    }
    over.store(true, Ordering::Relaxed);
    join_all(tasks).await.into_iter().for_each(|task| task.unwrap());
}

/// How long a read of everything takes once the transaction has ended that it waits for, beside so many events.
async fn time_of_a_read_that_was_held_back(events: usize) -> Duration {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let mut transaction = store.pool().begin().await.unwrap();
    store.append_in(&mut transaction, vec![sold("held")], AppendCondition::None).await.unwrap();
    let append = || {
        let batch: Vec<_> = (0..events).map(|_| other("1")).collect();
        store.append(batch, AppendCondition::None)
    };
    append().await.unwrap();
    let reading = tokio::spawn({
        let store = store.clone();
        async move {
            drop(store.read(&Query::all(), ReadOptions::all()).await.unwrap());
            Instant::now()
        }
    });
    // It has looked for the last event.
    tokio::time::sleep(Duration::from_millis(300)).await;
    append().await.unwrap();
    let from = Instant::now();
    transaction.commit().await.unwrap();
    reading.await.unwrap().duration_since(from)
}

/// Eight times the events take about eight times as long, and not 64 times.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_read_of_everything_is_linear_in_the_events_that_held_it_back() {
    let mut times = Vec::new();
    for _ in 0..MOST_TRIES {
        let few = time_of_a_read_that_was_held_back(4_000).await;
        let many = time_of_a_read_that_was_held_back(32_000).await;
        println!("{few:?} beside 2 x 4,000 events, {many:?} beside 2 x 32,000");
        times.push((few, many));
        if many < 30 * few.max(Duration::from_millis(50)) {
            return;
        }
    }
    panic!("{times:?}");
}

/// Others may need them: a server has a bounded number.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn connections_that_nobody_uses_are_given_back_to_the_pool() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let given_back = || store.pool().num_idle() == store.pool().size() as usize;
    assert!(!given_back(), "nothing is kept between calls");
    let since = Instant::now();
    while !given_back() {
        assert!(since.elapsed() < Duration::from_secs(600), "they are kept for ever");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    store.append(vec![sold("2")], AppendCondition::None).await.unwrap();
}
