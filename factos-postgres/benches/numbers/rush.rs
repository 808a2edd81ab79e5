//! Commands through a `Dispatcher`: on one boundary, also beside another process, and on boundaries of ten events.

use std::{process::Stdio, sync::Arc, time::Duration};

use factos::{
    Bytes, Decider, Dispatcher, EncodeError, Event, EventId, EventType, QueryFor, QueryItem, Retry,
    Schema, Tag, Tags, TypeInfo, Undecodable,
};
use factos_postgres::PostgresStore;
use futures_util::{StreamExt, stream};
use tokio::{io::AsyncReadExt, process::Command};

use crate::{
    client::{Client, run},
    log::{Log, event, tag},
};

/// How many boundaries of ten events there are at most.
const BOUNDARIES: u64 = 3_200;

/// An event of the log; of a stored one only the type matters.
pub(crate) struct Fact(Vec<Tag>);

impl Event for Fact {
    const SCHEMA: &'static Schema = &Schema::new(&[
        TypeInfo::new("bench.opened", 1, "Fact"),
        TypeInfo::new("bench.changed", 1, "Fact"),
        TypeInfo::new("bench.closed", 1, "Fact"),
    ]);

    fn event_type(&self) -> EventType {
        EventType::from_static("bench.changed")
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        Ok(self.0.iter().collect())
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(event(&[]).payload)
    }

    fn decode(_: &EventType, _: u32, _: &[u8]) -> Result<Self, Undecodable> {
        Ok(Self(Vec::new()))
    }
}

/// Counts the facts of the first of a command's tags.
pub(crate) struct Counter;

impl Decider for Counter {
    type Command = Vec<Tag>;
    type Event = Fact;
    type State = u64;
    type Error = ();

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, count: u64, _: &Fact) -> u64 {
        count + 1
    }

    fn decide(&self, _: &u64, tags: &Vec<Tag>) -> Result<Vec<Fact>, ()> {
        Ok(vec![Fact(tags.clone())])
    }

    fn context(&self, tags: &Vec<Tag>) -> QueryFor<Fact> {
        let types = Fact::SCHEMA.types.iter().map(|known| EventType::from_static(known.name));
        let item = QueryItem::of_types(types).unwrap();
        QueryFor::from_query(item.tagged(&tags[0]).into())
    }
}

pub(crate) type Shared = Dispatcher<PostgresStore, Counter>;

pub(crate) fn dispatcher(store: &PostgresStore) -> Shared {
    Dispatcher::new(store.clone(), Counter).retry(Retry::attempts(u32::MAX))
}

/// All clients on one boundary.
pub(crate) fn one_boundary(dispatcher: &Shared, hot: Tag) -> Client {
    commands(dispatcher, false, move |_, _| vec![hot.clone()])
}

/// The same, where each command has an idempotency key that is new.
pub(crate) fn one_boundary_with_keys(dispatcher: &Shared, hot: Tag) -> Client {
    commands(dispatcher, true, move |_, _| vec![hot.clone()])
}

/// Every client on entities of its own, of about ten events each.
pub(crate) fn many_boundaries(dispatcher: &Shared, entities: u64) -> Client {
    commands(dispatcher, false, own_entities(entities))
}

/// The same, where each command has an idempotency key that is new.
pub(crate) fn many_boundaries_with_keys(dispatcher: &Shared, entities: u64) -> Client {
    commands(dispatcher, true, own_entities(entities))
}

fn own_entities(entities: u64) -> impl Fn(usize, u64) -> Vec<Tag> + Send + Sync + 'static {
    let boundaries = entities.min(BOUNDARIES);
    move |client, n| Log::tags((client as u64 + 32 * n) % boundaries).to_vec()
}

/// One command for each entity that [`many_boundaries`] works on, so that the dispatcher knows them all.
pub(crate) async fn warm(dispatcher: &Shared, entities: u64) {
    let commands = (0..entities.min(BOUNDARIES)).map(|n| dispatcher.run(Log::tags(n).to_vec()));
    let mut running = stream::iter(commands).buffer_unordered(64);
    while let Some(outcome) = running.next().await {
        outcome.unwrap();
    }
}

fn commands(
    dispatcher: &Shared,
    are_keyed: bool,
    tags: impl Fn(usize, u64) -> Vec<Tag> + Send + Sync + 'static,
) -> Client {
    let (dispatcher, tags) = (dispatcher.clone(), Arc::new(tags));
    Box::new(move |client, progress| {
        let (dispatcher, tags) = (dispatcher.clone(), Arc::clone(&tags));
        Box::pin(async move {
            let mut n = 0;
            while progress.goes_on() {
                let dispatch = match are_keyed {
                    true => dispatcher.dispatch().idempotency_key(EventId::new().to_string()),
                    false => dispatcher.dispatch(),
                };
                dispatch.run(tags(client, n)).await.unwrap();
                progress.add(1);
                n += 1;
            }
        })
    })
}

/// What this process and another one get done on one boundary in a second.
pub(crate) async fn beside_another_process(
    store: &PostgresStore,
    schema: &str,
    clients: usize,
    slice: Duration,
) -> f64 {
    let number = fastrand::u64(..);
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--rival", &number.to_string(), "--schema", schema])
        .args(["--clients", &clients.to_string(), "--slice", &slice.as_millis().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = other.stdout.take().unwrap();
    let mut ready = [0];
    output.read_exact(&mut ready).await.unwrap();
    let own = run(clients, slice, one_boundary(&dispatcher(store), tag("hot", number))).await;
    let mut told = String::new();
    output.read_to_string(&mut told).await.unwrap();
    assert!(other.wait().await.unwrap().success());
    own + told.trim().parse::<f64>().unwrap()
}

/// The other process: says that it is ready, and what it got done.
pub(crate) async fn rival(store: &PostgresStore, number: u64, clients: usize, slice: Duration) {
    println!();
    let done = run(clients, slice, one_boundary(&dispatcher(store), tag("hot", number))).await;
    println!("{done}");
}
