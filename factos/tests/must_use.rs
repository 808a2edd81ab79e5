//! What may be dropped without a word, and what may not; a compile-fail test of factos-derive shows the latter.

#![deny(unused_must_use)]

mod support;

use factos::{AppendCondition, Error, EventStore, dispatch, dispatch_stream};
use factos_memory::MemoryStore;
use support::*;

#[tokio::test]
async fn what_a_command_led_to_may_be_dropped() {
    async fn commands(store: &MemoryStore) -> Result<(), Error<SoldOut>> {
        let office = BoxOffice { seats: 3 };
        dispatch(store, &office).run(&buy("a", "x")).await?;
        dispatch_stream(store, &office, "s").run(&buy("a", "x")).await?;
        store.append(vec![new_event(&sold("a", "x"))], AppendCondition::None).await?;
        Ok(())
    }
    commands(&MemoryStore::new()).await.unwrap();
}
