//! An older program decides on a log to which a newer one appends a type that it does not know.
#![cfg(all(feature = "derive", feature = "json"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use factos::{AppendCondition, Decider, Error, Event, EventStore, QueryFor, Undecodable, dispatch};
use factos_memory::MemoryStore;

#[derive(Debug, PartialEq, Event)]
enum Old {
    Sold {
        #[tag]
        show: u8,
    },
}

#[derive(Debug, PartialEq, Event)]
enum New {
    Sold {
        #[tag]
        show: u8,
    },
    Reserved {
        #[tag]
        show: u8,
        seats: u32,
    },
}

struct Office {
    any_type: bool,
}

impl Decider for Office {
    type Command = u8;
    type Event = Old;
    type State = u32;
    type Error = &'static str;

    fn initial(&self) -> u32 {
        0
    }

    fn evolve(&self, taken: u32, _: &Old) -> u32 {
        taken + 1
    }

    fn decide(&self, taken: &u32, show: &u8) -> Result<Vec<Old>, &'static str> {
        if *taken < 3 { Ok(vec![Old::Sold { show: *show }]) } else { Err("sold out") }
    }

    fn context(&self, show: &u8) -> QueryFor<Old> {
        let query = QueryFor::from(Old::query().show(*show));
        if self.any_type { query.any_type() } else { query }
    }
}

async fn reserve(store: &MemoryStore, show: u8) {
    let reserved = factos::encode(&New::Reserved { show, seats: 3 }).unwrap();
    store.append(vec![reserved], AppendCondition::None).await.unwrap();
}

#[tokio::test]
async fn a_query_of_any_type_makes_an_unknown_fact_an_error_and_not_silence() {
    let store = MemoryStore::new();
    let office = Office { any_type: true };
    assert!(dispatch(&store, &office).run(&1).await.is_ok());
    reserve(&store, 1).await;
    for key in [None, Some("order-1")] {
        let command = dispatch(&store, &office);
        let command = key.into_iter().fold(command, |command, key| command.idempotency_key(key));
        let Err(Error::Decode(error)) = command.run(&1).await else {
            panic!("the newer fact was passed over");
        };
        assert!(matches!(error.cause, Undecodable::UnknownType), "{error}");
        assert_eq!(error.event_type.as_str(), "Reserved");
    }
    // Other boundaries go on.
    assert!(dispatch(&store, &office).idempotency_key("order-2").run(&2).await.is_ok());
}

#[tokio::test]
async fn a_query_of_any_type_refuses_an_append_for_an_unknown_fact() {
    let store = MemoryStore::new();
    let office = Office { any_type: true };
    let query = office.context(&1).into_query().unwrap();
    reserve(&store, 1).await;
    let sold = factos::encode(&Old::Sold { show: 1 }).unwrap();
    let condition = AppendCondition::fail_if_events_match(query);
    assert!(store.append(vec![sold], condition).await.is_err());
}

/// The default, for which readers are released first.
#[tokio::test]
async fn a_query_of_known_types_does_not_see_the_others() {
    let store = MemoryStore::new();
    reserve(&store, 1).await;
    let done = dispatch(&store, &Office { any_type: false }).run(&1).await.unwrap();
    assert_eq!(done.state, 1);
}
