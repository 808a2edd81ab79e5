//! The figures that the memory store and dispatch are held to, on a log of 100,000 events.
//!
//! `cargo bench -p factos-memory --bench numbers [-- append|read|check|dispatch|follow]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{hint::black_box, time::Instant};

use factos::{
    AppendCondition, Decider, Event, EventStore, EventStoreExt, NewEvent, Query, QueryFor,
    QueryItem, ReadOptions, SequencePosition, Tag, decode, dispatch,
};
use factos_memory::MemoryStore;

const SHOWS: u64 = 10_000;
const REPEATS: usize = 101;
const TIMES: u64 = 200;

#[derive(Debug, Event)]
enum Ticketing {
    TicketSold {
        #[tag]
        show: u64,
        buyer: String,
    },
}

struct BuyTicket {
    show: u64,
    buyer: String,
}

struct BoxOffice;

impl Decider for BoxOffice {
    type Command = BuyTicket;
    type Event = Ticketing;
    type State = u64;
    type Error = ();

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, sold: u64, Ticketing::TicketSold { .. }: &Ticketing) -> u64 {
        sold + 1
    }

    fn decide(&self, sold: &u64, command: &BuyTicket) -> Result<Vec<Ticketing>, ()> {
        assert_eq!(*sold, 10);
        Ok(vec![Ticketing::TicketSold { show: command.show, buyer: command.buyer.clone() }])
    }

    fn context(&self, command: &BuyTicket) -> QueryFor<Ticketing> {
        Ticketing::query().show(command.show).into()
    }
}

fn event(show: u64) -> NewEvent {
    let event = Ticketing::TicketSold { show, buyer: format!("buyer-{show}") };
    let mut new = NewEvent::new(event.event_type(), event.encode().unwrap());
    new.tags = event.tags().unwrap();
    new
}

fn of_show(show: u64) -> Query {
    Query::item(QueryItem::with_tag(Tag::new("show", &show.to_string()).unwrap()))
}

/// Ten tickets for each show, one show after the other or spread over the whole log.
async fn filled(spread: bool) -> MemoryStore {
    let store = MemoryStore::new();
    let show = |n| if spread { n % SHOWS } else { n / 10 };
    let events = (0..SHOWS * 10).map(|n| event(show(n))).collect();
    store.append(events, AppendCondition::None).await.unwrap();
    store
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Microseconds for one `f`, the median of the repeats. What `f` needs is made before the clock runs.
async fn measure<I, F: Future>(make: impl Fn(u64) -> I, f: impl Fn(I) -> F) -> f64 {
    let mut means = Vec::new();
    for repeat in 0..REPEATS as u64 {
        let inputs: Vec<I> = (0..TIMES).map(|n| make(repeat * TIMES + n)).collect();
        let start = Instant::now();
        for input in inputs {
            black_box(f(input).await);
        }
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        means.push(start.elapsed().as_secs_f64() * 1e6 / TIMES as f64);
    }
    median(means)
}

fn print(what: &str, microseconds: f64, most: f64) {
    println!("{what:<44} {microseconds:>7.2} us (at most {most})");
}

async fn appends() {
    let store = filled(false).await;
    let head = store.head().await.unwrap();
    let unsold = |n: u64| {
        let condition = AppendCondition::fail_if_events_match(of_show(SHOWS + n)).after(head);
        (vec![event(SHOWS + n)], condition)
    };
    let append = async |(events, condition)| store.append(events, condition).await.unwrap();
    print("conditional append", measure(unsold, append).await, 2.0);
}

async fn reads(spread: bool) {
    let store = filled(spread).await;
    let read = async |query: Query| {
        let events = store.read(&query, ReadOptions::all()).await.unwrap();
        assert_eq!(events.collect().await.unwrap().len(), 10);
    };
    let us = measure(|n| of_show(n * 7919 % SHOWS), read).await;
    if spread {
        println!("{:<44} {us:>7.2} us", "  the same, spread over the whole log");
    } else {
        print("context read of 10 events", us, 1.5);
    }
}

async fn checks() {
    let store = filled(false).await;
    let head = store.head().await.unwrap().unwrap().get();
    let sold = |_| {
        let after = SequencePosition::new(head - 10);
        (vec![event(1)], AppendCondition::fail_if_events_match(of_show(SHOWS - 1)).after(after))
    };
    let refused = async |(events, condition)| store.append(events, condition).await.unwrap_err();
    print("check near the head, as a refused append", measure(sold, refused).await, 0.3);
}

async fn dispatches() {
    let store = filled(false).await;
    let buy = |n: u64| BuyTicket { show: n * 7919 % SHOWS, buyer: "somebody".to_owned() };
    // Every show once: ten tickets each time.
    let shows = SHOWS / TIMES;
    let run = async |command: BuyTicket| {
        dispatch(&store, &BoxOffice).run(&command).await.unwrap().records.len()
    };
    let mut whole = Vec::new();
    for round in 0..shows {
        let commands: Vec<_> = (0..TIMES).map(|n| buy(round * TIMES + n)).collect();
        let start = Instant::now();
        for command in commands {
            assert_eq!(run(command).await, 1);
        }
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        whole.push(start.elapsed().as_secs_f64() * 1e6 / TIMES as f64);
    }
    let whole = median(whole);
    let records = store.read_all(&of_show(1)).await.unwrap();
    let codec = async |records: Vec<_>| {
        let mut decoded = records.into_iter().map(|r| decode::<Ticketing>(r).unwrap().event);
        let event = decoded.by_ref().take(10).last().unwrap();
        (event.encode().unwrap(), event.tags().unwrap())
    };
    let codec = measure(|_| records.clone(), codec).await;
    println!("{:<44} {whole:>7.2} us", "dispatch, context of 10 events");
    println!("{:<44} {codec:>7.2} us", "  of which decode of 10 and encode of 1");
    print("  the rest", whole - codec, 5.0);
}

/// All events by a read and by a subscription, in turns.
async fn follow() {
    let store = filled(false).await;
    let (mut read, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let start = Instant::now();
        let mut count = 0;
        let mut events = store.read(&Query::all(), ReadOptions::all()).await.unwrap();
        while let Some(record) = events.next().await {
            count += usize::from(!record.unwrap().event.is_empty());
        }
        read.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let (mut came, mut subscription) = (0, store.subscribe(Query::all(), None));
        while !subscription.is_live() {
            let batch = subscription.next().await.unwrap();
            came += batch.records.iter().filter(|record| !record.event.is_empty()).count();
        }
        followed.push(start.elapsed().as_secs_f64());
        assert_eq!(came, count);
    }
    let (read, followed) = (median(read) * 1e3, median(followed) * 1e3);
    let rate = read / followed;
    println!(
        "100,000 events: read {read:.2} ms, subscribe {followed:.2} ms, {rate:.2} (at least 0.9)"
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let named: Vec<_> = std::env::args().skip(1).filter(|name| name != "--bench").collect();
    let runs = |name: &str| named.is_empty() || named.iter().any(|n| n == name);
    if runs("append") {
        appends().await;
    }
    if runs("read") {
        reads(false).await;
        reads(true).await;
    }
    if runs("check") {
        checks().await;
    }
    if runs("dispatch") {
        dispatches().await;
    }
    if runs("follow") {
        follow().await;
    }
}
