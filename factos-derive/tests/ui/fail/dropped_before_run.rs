//! What does nothing by itself, dropped.

#![deny(unused_must_use)]

use factos::{Decider, Event, EventStore, EventStoreExt, Query, ReadOptions, dispatch};

#[derive(Event)]
enum Ticketing {
    Sold,
}

async fn dropped<D: Decider>(store: &dyn EventStore, decider: &D, command: &D::Command) {
    dispatch(store, decider);
    dispatch(store, decider).run(command);
    dispatch(store, decider).run(command).await;
    store.read(&Query::all(), ReadOptions::all()).await.unwrap();
    store.events::<Ticketing>(Query::all(), ReadOptions::all()).await.unwrap();
}

fn main() {}
