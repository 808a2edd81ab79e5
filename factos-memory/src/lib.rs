//! The in-memory event store of [`factos`]: fast, and the executable specification of a store.
//!
//! - **Isolation**: condition and append happen under one lock, so boundaries are exact.
//! - **Locking**: one short lock around the log; reads hold it only to collect a page.
//! - **Durability**: none. The log is gone with its last handle.
//! - **Cancellation**: an append is done at its first poll; a dropped future leaves all or nothing.
//! - **Limits**: only [`Limits`](factos::Limits) of the whole: memory.
//!
//! ```
//! # use factos::{AppendCondition, EventStore, EventStoreExt, EventType, NewEvent, Query};
//! # use factos_memory::MemoryStore;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let store = MemoryStore::new();
//! let event = NewEvent::new(EventType::from_static("DoorOpened"), "{}");
//! store.append(vec![event], AppendCondition::None).await?;
//! assert_eq!(store.read_all(&Query::all()).await?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod log;
mod select;
mod store;

pub use store::MemoryStore;
