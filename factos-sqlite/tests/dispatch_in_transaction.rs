//! Commands within a transaction of the caller's, beside the caller's own changes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use factos::{
    Decider, ErrorKind, Event, EventStore, EventStoreExt, Query, QueryFor, ReadOptions,
    SequencePosition, StreamName, TransactionalStore, dispatch, dispatch_stream,
};
use factos_sqlite::{Error, SqliteStore, WriteError, at_once, rusqlite};
use support::{of_show, sold};

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

fn show() -> String {
    "a".to_owned()
}

async fn log() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("log.db")).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_command_and_the_callers_changes_are_committed_together_or_not_at_all() {
    let (_folder, store) = log().await;
    let table = "CREATE TABLE paid (show TEXT PRIMARY KEY)";
    store.write(|tx| tx.connection().execute_batch(table)).await.unwrap();
    for (commits, events) in [(false, 0), (true, 1)] {
        let log = store.clone();
        let sale = store.write(move |tx| {
            tx.connection().execute("INSERT INTO paid VALUES ('a')", []).unwrap();
            let sold = at_once(dispatch(&log, &OFFICE).run_in(tx, &show())).unwrap();
            assert_eq!((sold.records.len(), sold.state, sold.attempts), (1, 1, 1));
            if commits { Ok(()) } else { Err(()) }
        });
        assert_eq!(sale.await.is_ok(), commits);
        let count = "SELECT count(*) FROM paid";
        let paid = store.write(|tx| tx.connection().query_row(count, [], |row| row.get(0)));
        let written = store.read_all(&of_show("a")).await.unwrap();
        assert_eq!((written.len(), paid.await.unwrap()), (events, events as i64));
    }
}

#[tokio::test]
async fn a_transaction_sees_its_own_events_and_decides_on_them() {
    let (_folder, store) = log().await;
    let log = store.clone();
    let sales = store.write(move |tx| -> Result<(), ()> {
        for state in 1..=2 {
            let sold = at_once(dispatch(&log, &OFFICE).run_in(tx, &show())).unwrap();
            assert_eq!(sold.state, state);
        }
        let refused = at_once(dispatch(&log, &OFFICE).run_in(tx, &show()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Domain);
        let everywhere = BoxOffice { seats: 9 }.with_context(|_| QueryFor::all_types());
        let counted = at_once(dispatch(&log, &everywhere).run_in(tx, &show())).unwrap();
        assert_eq!(counted.state, 3);
        let keyed = || dispatch_stream(&log, &OFFICE, "s").idempotency_key("k");
        let streamed = at_once(keyed().run_in(tx, &show())).unwrap();
        assert_eq!((streamed.state, streamed.records[0].revision), (1, Some(0)));
        assert!(at_once(keyed().run_in(tx, &show())).unwrap().replayed);
        let stream = StreamName::new("s").unwrap();
        let events = at_once(log.read_stream_in(tx, &stream, ReadOptions::all())).unwrap();
        assert_eq!(at_once(events.collect()).unwrap().len(), 1);
        Ok(())
    });
    sales.await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 4);
}

/// What a handle remembers of its log must not come from a transaction that is rolled back.
#[tokio::test]
async fn a_rolled_back_transaction_leaves_nothing_in_the_handle() {
    let (_folder, store) = log().await;
    let log = store.clone();
    let sales = store.write(move |tx| -> Result<(), ()> {
        for _ in 1..=2 {
            at_once(dispatch(&log, &OFFICE).run_in(tx, &show())).unwrap();
        }
        let events = at_once(log.read_in(tx, &of_show("a"), ReadOptions::all())).unwrap();
        assert_eq!(events.observed(), SequencePosition::new(2));
        assert_eq!(at_once(events.collect()).unwrap().len(), 2);
        Err(())
    });
    assert!(matches!(sales.await, Err(WriteError::Caller(()))));
    assert_eq!(store.read_all(&Query::all()).await.unwrap(), []);
    assert_eq!(store.head().await.unwrap(), None);
    let sold = dispatch(&store, &OFFICE).run(&show()).await.unwrap();
    assert_eq!(sold.state, 1);
    // Nothing above it is remembered as the head.
    let past = sold.position;
    let woken = tokio::time::timeout(Duration::from_millis(200), store.wait_past(past));
    woken.await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_eight_rivals_gets_the_last_seat() {
    let (folder, first) = log().await;
    let mut rivals = Vec::new();
    for n in 0..8 {
        let store = match n % 3 {
            0 => first.clone(),
            _ => SqliteStore::open(folder.path().join("log.db")).await.unwrap(),
        };
        rivals.push(tokio::spawn(async move {
            let log = store.clone();
            let office = BoxOffice { seats: 1 };
            // Nobody comes between the read and the append: there is no conflict to try again after.
            let sale = store.write(move |tx| at_once(dispatch(&log, &office).run_in(tx, &show())));
            match sale.await {
                Ok(sold) => sold.records.len(),
                Err(WriteError::Caller(factos::Error::Domain(SoldOut))) => 0,
                Err(error) => panic!("{error:?}"),
            }
        }));
    }
    let mut sold = 0;
    for rival in rivals {
        sold += rival.await.unwrap();
    }
    assert_eq!((sold, first.read_all(&of_show("a")).await.unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_read_in_a_transaction_goes_page_by_page_and_both_ways() {
    let (_folder, store) = log().await;
    let log = store.clone();
    let pages = store.write(move |tx| -> Result<(), factos::AppendError> {
        tx.append((0..5000).map(|_| sold("a")).collect(), factos::AppendCondition::None)?;
        for (options, first, last) in
            [(ReadOptions::all(), 1, 5000), (ReadOptions::all().backwards(), 5000, 1)]
        {
            for query in [of_show("a"), Query::all()] {
                let events = at_once(log.read_in(tx, &query, options)).unwrap();
                assert_eq!(events.observed(), SequencePosition::new(5000));
                let page = at_once(events.collect()).unwrap();
                let ends = (page[0].position.get(), page[4999].position.get());
                assert_eq!((page.len(), ends), (5000, (first, last)));
            }
        }
        Ok(())
    });
    pages.await.unwrap();
}

/// The number of a type that was rolled back may be given to another type.
#[tokio::test]
async fn types_that_were_read_and_rolled_back_are_forgotten() {
    let (_folder, store) = log().await;
    for name in ["First", "Second"] {
        let log = store.clone();
        let event = factos::NewEvent::new(factos::EventType::new(name).unwrap(), "");
        let undone = store.write(move |tx| -> Result<(), String> {
            tx.append(vec![event], factos::AppendCondition::None).unwrap();
            let events = at_once(log.read_in(tx, &Query::all(), ReadOptions::all())).unwrap();
            Err(at_once(events.collect()).unwrap()[0].event_type.as_str().to_owned())
        });
        assert!(matches!(undone.await, Err(WriteError::Caller(found)) if found == name));
    }
}

#[tokio::test]
async fn a_transaction_of_another_log_is_refused() {
    let (_folder, store) = log().await;
    let (_other_folder, other) = log().await;
    let refused = store.write(move |tx| at_once(dispatch(&other, &OFFICE).run_in(tx, &show())));
    let Err(WriteError::Caller(factos::Error::Store(error))) = refused.await else { panic!() };
    assert!(matches!(support::cause(&error.error), Error::OtherLog { .. }), "{error:?}");
}

#[tokio::test]
async fn a_future_that_waits_within_the_transaction_is_a_panic_and_no_deadlock() {
    let (_folder, store) = log().await;
    let own = store.clone();
    let stuck = tokio::spawn(async move {
        let log = own.clone();
        own.write(move |_| at_once(log.append(vec![sold("a")], factos::AppendCondition::None)))
            .await
    });
    assert!(stuck.await.unwrap_err().is_panic());
    let after: Result<(), WriteError<rusqlite::Error>> = store.write(|_| Ok(())).await;
    after.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap(), []);
}
