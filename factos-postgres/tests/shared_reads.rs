//! Reads that share a statement: those of the whole log, and those of one boundary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::convert::Infallible;

use factos::{
    AppendCondition, Bytes, Decider, Event, EventStore, EventStoreExt, Query, QueryFor,
    ReadOptions, Recorded, Retry, SequencePosition, decode, dispatch, encode,
};
use factos_postgres::{Mode, PostgresStore};
use futures_util::{TryStreamExt, future::join_all};
use support::{Schema, in_time, of_show, sold};

/// Each gets its own events, wherever it begins and however many it wants, also beside appends.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn each_read_gets_its_own_events() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let batch = (0..3000).map(|n| sold(&n.to_string())).collect();
        store.append(batch, AppendCondition::None).await.unwrap();
        let all: Vec<_> = store
            .read(&Query::all(), ReadOptions::all())
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        for round in 0..20 {
            let reads = (0..40).map(|_| {
                let (store, all) = (store.clone(), &all);
                let place = fastrand::usize(..2) * fastrand::usize(..3000);
                let from = (place + fastrand::usize(..300)).min(all.len());
                let limit = [None, Some(0), Some(1), Some(500), Some(2000)][fastrand::usize(..5)];
                async move {
                    let mut options = ReadOptions::all();
                    options.after = from.checked_sub(1).map(|last| all[last].position);
                    options.limit = limit;
                    let events = store.read(&Query::all(), options).await.unwrap();
                    assert!(events.observed() >= all.last().map(|last| last.position));
                    let most = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
                    let events: Vec<_> = events.try_collect().await.unwrap();
                    let known: Vec<_> = all[from..].iter().take(most).cloned().collect();
                    assert!(events.len() >= known.len() && events.len() <= most);
                    assert_eq!(events[..known.len()], known, "after {from}, limit {limit:?}");
                    assert!(events.is_sorted_by(|one, next| one.position < next.position));
                }
            });
            let append = store.append(vec![sold(&format!("later {round}"))], AppendCondition::None);
            let reads = async { tokio::join!(join_all(reads), append) };
            in_time("reads beside an append", reads).await.1.unwrap();
        }
        assert_eq!(store.head().await.unwrap(), SequencePosition::new(3020));
    }
}

/// Reads of one boundary that is longer than a page, beside appends to it: each gets all events up to the position
/// that it tells, and none beyond, whatever others have asked for.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn each_read_of_one_boundary_is_complete() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        for _ in 0..10 {
            let batch =
                (0..1000).map(|n| sold(if n % 10 == 0 { "other" } else { "one" })).collect();
            store.append(batch, AppendCondition::None).await.unwrap();
        }
        let others = async {
            for _ in 0..100 {
                store.append(vec![sold("one")], AppendCondition::None).await.unwrap();
            }
        };
        let reads = join_all((0..60).map(|_| reads_of_one(&store)));
        let (told, ()) = tokio::join!(reads, others);
        let all = store.read(&of_show("one"), ReadOptions::all()).await.unwrap();
        let all: Vec<_> = all.try_collect().await.unwrap();
        assert_eq!(all.len(), 9_100);
        for (observed, events) in told.into_iter().flatten() {
            let within = all.iter().take_while(|event| Some(event.position) <= observed).count();
            assert_eq!(events, all[..within], "{mode}: up to {observed:?}");
        }
    }
}

/// Some reads one after the other, some of which are dropped on the way: the position and the events of each.
async fn reads_of_one(
    store: &PostgresStore,
) -> Vec<(Option<SequencePosition>, Vec<Recorded<Bytes>>)> {
    let mut told = Vec::new();
    for _ in 0..3 {
        let one = of_show("one");
        let read = in_time("a read", store.read(&one, ReadOptions::all()));
        let (mut events, mut read) = (read.await.unwrap(), Vec::new());
        let is_dropped = fastrand::u8(..4) == 0;
        let most = if is_dropped { fastrand::usize(..5000) } else { usize::MAX };
        while read.len() < most
            && let Some(event) = in_time("the next event", events.next()).await
        {
            read.push(event.unwrap());
        }
        if !is_dropped {
            told.push((events.observed(), read));
        }
    }
    told
}

#[derive(Debug, Clone, PartialEq, Event)]
enum Counted {
    #[event(name = "TicketSold")]
    Sold {
        #[tag]
        show: String,
        /// How many sales of the show came before, where somebody looked.
        before: Option<usize>,
    },
}

fn counted(show: &str, before: Option<usize>) -> Counted {
    Counted::Sold { show: show.to_owned(), before }
}

/// Counts all sales of a show for each one.
struct Counter;

impl Decider for Counter {
    type Command = String;
    type Event = Counted;
    type State = usize;
    type Error = Infallible;

    fn initial(&self) -> usize {
        0
    }

    fn evolve(&self, sales: usize, _: &Counted) -> usize {
        sales + 1
    }

    fn decide(&self, sales: &usize, show: &String) -> Result<Vec<Counted>, Infallible> {
        Ok(vec![counted(show, Some(*sales))])
    }

    fn context(&self, show: &String) -> QueryFor<Counted> {
        Counted::query().show(show).into()
    }
}

/// Commands that compete for a boundary of several pages take what others have read a moment ago, and each decides on all of
/// its events, also beside appends that no dispatch makes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn each_command_of_a_rush_on_a_long_boundary_decides_on_all_of_it() {
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let sell = async |count: usize| {
            let batch = (0..count).map(|n| {
                let show = if n % 10 == 0 { "other" } else { "one" };
                encode(&counted(show, None)).unwrap()
            });
            store.append(batch.collect(), AppendCondition::None).await.unwrap();
        };
        sell(1000).await;
        let rush = join_all((0..24).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..4 {
                    let command = dispatch(&store, &Counter).retry(Retry::attempts(u32::MAX));
                    in_time("a command", command.run(&"one".to_owned())).await.unwrap();
                }
            })
        }));
        let others = async {
            for _ in 0..20 {
                sell(100).await;
            }
        };
        let (ended, ()) = tokio::join!(rush, others);
        ended.into_iter().for_each(|task| task.unwrap());
        let sales = store.read_all(&of_show("one")).await.unwrap();
        assert_eq!(sales.len(), 900 + 24 * 4 + 1800);
        for (before, sale) in sales.into_iter().enumerate() {
            let Counted::Sold { before: told, .. } = decode(sale).unwrap().event;
            assert!(told.is_none_or(|told| told == before), "{mode}: {told:?} of {before}");
        }
    }
}
