//! The stories on real stores: each on memory and on SQLite.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use factos::{
    Error, EventStore, EventStoreExt, NewEvent, Query, Retry, dispatch, dispatch_stream,
    load_stream, read_context,
};
use factos_examples::{
    account, course_subscriptions as courses, duplicate_order as orders,
    invoice_number as invoices, live_board as board, opt_in_token as tokens, payment,
    product_price as prices, unique_username as usernames, wallet,
};
use factos_memory::MemoryStore;
use factos_sqlite::SqliteStore;
use tokio::task::JoinSet;

type Store = Arc<dyn EventStore>;

macro_rules! on_each_store {
    ($($story:ident)*) => {
        mod on_memory {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                super::$story(std::sync::Arc::new(super::MemoryStore::new())).await;
            }
        )*}

        mod on_sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                let folder = tempfile::tempdir().unwrap();
                let store = super::SqliteStore::open(folder.path().join("story.db")).await.unwrap();
                super::$story(std::sync::Arc::new(store)).await;
            }
        )*}
    };
}

on_each_store! {
    seats_go_to_as_many_students_as_there_is_room_for
    one_student_takes_no_more_courses_than_allowed_at_once
    one_of_many_gets_a_name_and_it_is_free_again_after_a_while
    invoices_have_no_gaps_however_many_are_written_at_once
    an_invoice_from_before_currencies_counts
    an_order_stands_at_a_price_that_was_just_good
    a_code_works_once_even_if_it_comes_back_twice_at_once
    an_order_is_recorded_once_and_a_repeated_one_is_answered_with_it
    an_order_under_the_older_name_refuses_a_second_one
    an_account_is_a_stream
    a_deposit_does_not_refuse_a_withdrawal
    a_board_shows_every_arrival_once_and_in_order
}

fn patient() -> Retry {
    Retry::attempts(1000)
}

async fn stored(store: &Store) -> usize {
    store.read_all(&Query::all()).await.unwrap().len()
}

/// Runs all attempts at once, and counts the accepted ones.
async fn at_once<F>(attempts: impl IntoIterator<Item = F>) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let all: JoinSet<bool> = attempts.into_iter().collect();
    all.join_all().await.into_iter().filter(|accepted| *accepted).count()
}

async fn course(store: &Store, command: courses::Command) -> Result<(), courses::Refusal> {
    match dispatch(store, &courses::Enrolment).retry(patient()).run(&command).await {
        Ok(done) => {
            assert_eq!(done.records.len(), 1);
            Ok(())
        }
        Err(Error::Domain(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

fn subscribe(course: &str, student: &str) -> courses::Command {
    courses::Command::Subscribe { course: course.into(), student: student.into() }
}

async fn seats_go_to_as_many_students_as_there_is_room_for(store: Store) {
    let define = courses::Command::Define { course: "c1".into(), capacity: 4 };
    course(&store, define).await.unwrap();
    let accepted = at_once((0..12).map(|n| {
        let store = store.clone();
        async move { course(&store, subscribe("c1", &format!("s{n}"))).await.is_ok() }
    }));
    assert_eq!(accepted.await, 4);
    let more = courses::Command::ChangeCapacity { course: "c1".into(), capacity: 5 };
    course(&store, more).await.unwrap();
    assert_eq!(course(&store, subscribe("c1", "late")).await, Ok(()));
    let full = course(&store, subscribe("c1", "later")).await;
    assert_eq!(full, Err(courses::Refusal::CourseIsFull));
    assert_eq!(stored(&store).await, 7);
}

async fn one_student_takes_no_more_courses_than_allowed_at_once(store: Store) {
    for n in 0..6 {
        let define = courses::Command::Define { course: format!("c{n}"), capacity: 9 };
        course(&store, define).await.unwrap();
    }
    let accepted = at_once((0..6).map(|n| {
        let store = store.clone();
        async move { course(&store, subscribe(&format!("c{n}"), "ann")).await.is_ok() }
    }));
    assert_eq!(accepted.await, courses::COURSES_PER_STUDENT);
}

async fn one_of_many_gets_a_name_and_it_is_free_again_after_a_while(store: Store) {
    use usernames::{Command, Refusal, Registry, Username};
    let name = || Username::new("ann");
    async fn run(store: &Store, command: Command) -> Result<(), Refusal> {
        match dispatch(store, &Registry).retry(patient()).run(&command).await {
            Ok(_) => Ok(()),
            Err(Error::Domain(refusal)) => Err(refusal),
            Err(error) => panic!("{error:?}"),
        }
    }
    let accepted = at_once((0..8).map(|_| {
        let (store, username) = (store.clone(), name());
        async move { run(&store, Command::Register { username, day: 1 }).await.is_ok() }
    }));
    assert_eq!(accepted.await, 1);
    let change = Command::Change { old: name(), new: Username::new("eve"), day: 2 };
    run(&store, change).await.unwrap();
    let register = |day| Command::Register { username: name(), day };
    let kept = 2 + usernames::RETENTION_DAYS;
    assert_eq!(run(&store, register(kept)).await, Err(Refusal::NotAvailable));
    assert_eq!(run(&store, register(kept + 1)).await, Ok(()));
}

async fn invoice(store: &Store) -> u64 {
    let command = invoices::CreateInvoice("1 EUR".into());
    let done = dispatch(store, &invoices::Accounting).retry(patient()).run(&command).await;
    done.unwrap().state
}

async fn invoices_have_no_gaps_however_many_are_written_at_once(store: Store) {
    let all: JoinSet<u64> = (0..16)
        .map(|_| {
            let store = store.clone();
            async move { invoice(&store).await }
        })
        .collect();
    let mut numbers = all.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=16).collect::<Vec<_>>());
}

async fn an_invoice_from_before_currencies_counts(store: Store) {
    let name = factos::EventType::from_static("invoice.created");
    let mut old = NewEvent::new(name, r#"{"number":41,"amount":"12.05"}"#);
    old.tags = factos::Tag::new("number", "41").unwrap().into();
    store.append(vec![old], factos::AppendCondition::None).await.unwrap();
    assert_eq!(invoice(&store).await, 42);
}

async fn an_order_stands_at_a_price_that_was_just_good(store: Store) {
    use prices::{Checkout, GRACE_MINUTES, PlaceOrder, Pricing, Refusal};
    let tea = || "tea".to_owned();
    let events = [
        Pricing::ProductDefined { product: tea(), cents: 300 },
        Pricing::PriceChanged { product: tea(), cents: 350, minute: 60 },
    ];
    let events = events.iter().map(|event| factos::encode(event).unwrap()).collect();
    store.append(events, factos::AppendCondition::None).await.unwrap();
    let order = async |cents, minute| {
        let command = PlaceOrder { items: [(tea(), cents)].into(), minute };
        dispatch(&store, &Checkout).allow_outside_boundary().run(&command).await
    };
    assert_eq!(order(350, 61).await.unwrap().records.len(), 1);
    assert_eq!(order(300, 60 + GRACE_MINUTES).await.unwrap().records.len(), 1);
    let late = order(300, 61 + GRACE_MINUTES).await.unwrap_err();
    assert!(matches!(late, Error::Domain(Refusal::OtherPrice(product)) if product == "tea"));
    assert_eq!(stored(&store).await, 4);
}

async fn a_code_works_once_even_if_it_comes_back_twice_at_once(store: Store) {
    use tokens::{Confirm, OptIn, Refusal, SignUp};
    let code = || "a1b2".to_owned();
    let sent = SignUp::Initiated { code: code(), email: "ann@example.org".into(), minute: 0 };
    let sent = vec![factos::encode(&sent).unwrap()];
    store.append(sent, factos::AppendCondition::None).await.unwrap();
    let accepted = at_once((0..6).map(|_| {
        let (store, command) = (store.clone(), Confirm { code: code(), minute: 5 });
        async move { dispatch(&store, &OptIn).retry(patient()).run(&command).await.is_ok() }
    }));
    assert_eq!(accepted.await, 1);
    let again = dispatch(&store, &OptIn).run(&Confirm { code: code(), minute: 6 }).await;
    assert!(matches!(again, Err(Error::Domain(Refusal::UsedAlready))));
}

fn place(submission: &str) -> orders::PlaceOrder {
    orders::PlaceOrder { submission: submission.into(), items: vec!["tea".into()] }
}

async fn an_order_is_recorded_once_and_a_repeated_one_is_answered_with_it(store: Store) {
    let order = place("s1");
    let run = || dispatch(&store, &orders::Orders).idempotency_key("request-1");
    let first = run().run(&order).await.unwrap();
    let second = run().run(&order).await.unwrap();
    assert!(!first.replayed && second.replayed);
    assert_eq!(first.records, second.records);
    let other = dispatch(&store, &orders::Orders).run(&order).await;
    assert!(matches!(other, Err(Error::Domain(orders::Resubmitted))));
    assert_eq!(stored(&store).await, 1);
}

async fn an_order_under_the_older_name_refuses_a_second_one(store: Store) {
    let order = place("s1");
    let before = read_context(&store, &orders::Orders, &order).await.unwrap();
    let placed = orders::OrderPlaced { submission: order.submission.clone(), items: vec![] };
    let mut old = factos::encode(&placed).unwrap();
    old.event_type = factos::EventType::from_static("OrderPlaced");
    store.append(vec![old], factos::AppendCondition::None).await.unwrap();
    let new = vec![factos::encode(&placed).unwrap()];
    let refused = store.append(new, before.append_condition()).await.unwrap_err();
    assert!(matches!(refused, factos::AppendError::Conflict(_)), "{refused}");
    let again = dispatch(&store, &orders::Orders).run(&order).await;
    assert!(matches!(again, Err(Error::Domain(orders::Resubmitted))));
    assert_eq!(stored(&store).await, 1);
}

async fn an_account_is_a_stream(store: Store) {
    use account::{Command, Refusal, State, Teller};
    let run = async |stream: &str, command| {
        dispatch_stream(&store, &Teller, stream).retry(patient()).run(&command).await
    };
    for stream in ["account-1", "account-2"] {
        for command in [Command::Open { owner: "ann".into() }, Command::Deposit(10)] {
            assert_eq!(run(stream, command).await.unwrap().records.len(), 1);
        }
    }
    let accepted = at_once((0..6).map(|_| {
        let store = store.clone();
        async move {
            let dispatch = dispatch_stream(&store, &Teller, "account-1").retry(patient());
            dispatch.run(&Command::Withdraw(4)).await.is_ok()
        }
    }));
    assert_eq!(accepted.await, 2);
    let loaded = load_stream(&store, &Teller, "account-1").await.unwrap();
    assert_eq!(loaded.state, State::Open { cents: 2 });
    let closing = run("account-1", Command::Close).await.unwrap_err();
    assert!(matches!(closing, Error::Domain(Refusal::NotEmpty)));
    let other = load_stream(&store, &Teller, "account-2").await.unwrap();
    assert_eq!(other.state, State::Open { cents: 10 });
}

async fn a_deposit_does_not_refuse_a_withdrawal(store: Store) {
    let event = |event: wallet::Wallet| vec![factos::encode(&event).unwrap()];
    let deposit = || event(wallet::Wallet::Deposited { wallet: "w".into(), cents: 10 });
    let withdrawal = || event(wallet::Wallet::Withdrawn { wallet: "w".into(), cents: 6 });
    store.append(deposit(), factos::AppendCondition::None).await.unwrap();
    let command = wallet::Withdraw { wallet: "w".into(), cents: 6 };
    let read = read_context(&store, &wallet::Cashier, &command).await.unwrap();
    // A deposit comes in between, and then another withdrawal.
    store.append(deposit(), factos::AppendCondition::None).await.unwrap();
    store.append(withdrawal(), read.append_condition()).await.unwrap();
    let refused = store.append(withdrawal(), read.append_condition()).await.unwrap_err();
    assert!(refused.is_conflict(), "{refused}");
    // 14 are left: of four that want 6 at once, two get it, with deposits beside them.
    let granted = at_once((0..8).map(|n| {
        let (store, command) = (store.clone(), command.clone());
        let small = event(wallet::Wallet::Deposited { wallet: "other".into(), cents: 1 });
        async move {
            if n % 2 == 0 {
                store.append(small, factos::AppendCondition::None).await.unwrap();
                return false;
            }
            let attempt = dispatch(&store, &wallet::Cashier).retry(patient());
            attempt.run(&command).await.is_ok()
        }
    }));
    assert_eq!(granted.await, 2);
}

async fn a_board_shows_every_arrival_once_and_in_order(store: Store) {
    let arrival = |station: &str, train: u32| {
        let (station, train) = (station.to_owned(), train.to_string());
        factos::encode(&board::Arrivals::Arrived { station, train }).unwrap()
    };
    let append = async |station, train| {
        let batch = vec![arrival(station, train)];
        store.append(batch, factos::AppendCondition::None).await.unwrap();
    };
    append("north", 0).await;
    let (told, shown) = std::sync::mpsc::channel();
    let followed = store.clone();
    let board = tokio::spawn(async move {
        board::follow(&followed, "north", |arrival| {
            let board::Arrivals::Arrived { train, .. } = &arrival.event;
            told.send(train.clone()).unwrap();
            train != "49"
        })
        .await
    });
    for train in 1..50 {
        append("south", 1000 + train).await;
        append("north", train).await;
    }
    tokio::time::timeout(PATIENCE, board).await.unwrap().unwrap().unwrap();
    assert_eq!(
        shown.iter().collect::<Vec<_>>(),
        (0..50).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

/// Longer than a busy machine takes, so that a board that is stuck fails.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn an_invoice_is_paid_once_with_its_row() {
    use factos_postgres::sqlx::{AssertSqlSafe, Executor, query_scalar};
    let url = std::env::var("FACTOS_POSTGRES_URL").unwrap();
    let schema = format!("paid_{}", factos::EventId::new().to_string().replace('-', ""));
    // The application's table, beside the log.
    let options = factos_postgres::sqlx::postgres::PgPoolOptions::new().max_connections(8);
    let own = format!("app_{schema}");
    let connect = url.parse::<factos_postgres::sqlx::postgres::PgConnectOptions>().unwrap();
    let pool = options.connect_with(connect.options([("search_path", &own)])).await.unwrap();
    let table =
        format!("CREATE SCHEMA {own}; CREATE TABLE {own}.payments (invoice text, cents bigint)");
    pool.execute(factos_postgres::sqlx::raw_sql(AssertSqlSafe(table))).await.unwrap();
    let config = factos_postgres::Config::new().create(true).schema(&schema).unwrap();
    let store = config.open(pool.clone()).await.unwrap();
    let paid = |invoice: u32| payment::Paid { invoice: invoice.to_string(), cents: 700 };
    let accepted = at_once((0..8).map(|n| {
        let store = store.clone();
        async move { payment::pay(&store, &paid(n % 2)).await.is_ok() }
    }));
    assert_eq!(accepted.await, 2);
    let rows: i64 = query_scalar("SELECT count(*) FROM payments").fetch_one(&pool).await.unwrap();
    assert_eq!((rows, store.read_all(&Query::all()).await.unwrap().len()), (2, 2));
}
