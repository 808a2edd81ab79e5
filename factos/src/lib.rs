//! Event sourcing with dynamic consistency boundaries.
//!
//! An application appends facts to one append-only log. A command reads exactly the facts that can change
//! its answer, decides, and is accepted only if no further such fact was accepted meanwhile.
//!
//! | layer | holds |
//! |---|---|
//! | raw | [`EventStore`] and its values: names, tags and bytes; what a backend implements |
//! | typed | [`Event`], [`Decider`], [`View`], [`Reactor`], [`dispatch`]; knows no backend and no runtime |
//!
//! ```
//! use factos::{Decider, Event, QueryFor, dispatch};
//!
//! #[derive(Debug, Clone, PartialEq, Event)]
//! enum Ticketing {
//!     TicketSold { #[tag] show: String, buyer: String },
//! }
//!
//! struct BoxOffice { seats: u32 }
//!
//! struct BuyTicket { show: String, buyer: String }
//!
//! #[derive(Debug, PartialEq)]
//! struct SoldOut;
//!
//! impl Decider for BoxOffice {
//!     type Command = BuyTicket;
//!     type Event = Ticketing;
//!     type State = u32;
//!     type Error = SoldOut;
//!
//!     fn initial(&self) -> u32 { 0 }
//!
//!     fn evolve(&self, sold: u32, _: &Ticketing) -> u32 { sold + 1 }
//!
//!     fn decide(&self, sold: &u32, command: &BuyTicket) -> Result<Vec<Ticketing>, SoldOut> {
//!         if *sold >= self.seats { return Err(SoldOut) }
//!         let BuyTicket { show, buyer } = command;
//!         Ok(vec![Ticketing::TicketSold { show: show.clone(), buyer: buyer.clone() }])
//!     }
//!
//!     fn context(&self, command: &BuyTicket) -> QueryFor<Ticketing> {
//!         Ticketing::query().show(&command.show).into()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), factos::Error<SoldOut>> {
//! let store = factos_memory::MemoryStore::new();
//! let office = BoxOffice { seats: 1 };
//! let buy = |buyer: &str| BuyTicket { show: "rust-conf".into(), buyer: buyer.into() };
//! let sold = dispatch(&store, &office).run(&buy("lucy")).await?;
//! assert_eq!(sold.records[0].position.get(), 1);
//! let late = dispatch(&store, &office).run(&buy("ann")).await;
//! assert!(matches!(late, Err(factos::Error::Domain(SoldOut))));
//! # Ok(())
//! # }
//! ```
//!
//! # The types one needs first
//! | to | there are |
//! |---|---|
//! | decide | [`Event`], [`Decider`], [`QueryFor`], [`dispatch`], [`Dispatched`], [`Error`], [`Retry`] |
//! | decide many commands at less cost | [`Dispatcher`] |
//! | read | [`EventStoreExt`] with [`read_all`], [`events`] and [`page`]; [`ReadOptions`], [`Recorded`] |
//! | follow the log | [`subscribe`] with [`Batch`] and [`Unknown`] |
//! | fold what was read | [`View`], [`project`] |
//! | react | [`Reactor`], [`react_all`] |
//! | append without a decider | [`encode`], [`NewEvent`], [`Tag`], [`Query`], [`AppendCondition`] |
//! | write a backend | [`EventStore`], [`StoreError`], [`Limits`] |
//!
//! [`read_all`]: EventStoreExt::read_all
//! [`events`]: EventStoreExt::events
//! [`page`]: EventStoreExt::page
//! [`subscribe`]: EventStoreExt::subscribe
//!
//! # Where to read on
#![cfg_attr(
    feature = "derive",
    doc = "- **The attributes of the derive**: the page of the macro [`Event`](macro@Event)."
)]
//! - **Stores**: [`factos-sqlite`](https://docs.rs/factos-sqlite), one file on one machine;
//!   [`factos-postgres`](https://docs.rs/factos-postgres), a server for many machines;
//!   [`factos-memory`](https://docs.rs/factos-memory), for tests.
//! - **Tests of an application**: the module [`testing`].
//! - **After an append**: a [`View`] folds the events into what a reader wants to know, a [`Reactor`] maps
//!   each record to effects, and [`EventStoreExt::subscribe`] follows the log, from a checkpoint on, to feed both.
//! - **Errors**: [`Error`] is what a dispatch returns. [`ErrorKind`] has a table of what to do about each
//!   kind, with its HTTP status.
#![cfg_attr(
    feature = "conformance",
    doc = "- **A backend of your own**: the suite [`conformance`](mod@conformance), which it has to pass."
)]
#![cfg_attr(
    not(feature = "conformance"),
    doc = "- **A backend of your own**: the module `conformance`, behind the feature of this name."
)]
//!
//! # Features
//! | feature | adds | default |
//! |---|---|---|
//! | `derive` | the macros `Event`, `TagValue` and `Payload` | yes |
//! | `json` | the codec `Json`, which derived events use | yes |
//! | `messagepack` | the codec `MessagePack`, for `#[event(codec = factos::MessagePack)]` | no |
//! | `cbor` | the codec `Cbor` | no |
//! | `postcard` | the codec `Postcard` | no |
//! | `tokio` | [`Retry::tokio_backoff`](Retry) | no |
//! | `serialize` | `Serialize` for records and their values | no |
//! | `tracing` | spans of dispatches, reads and appends | no |
//! | `backend` | parts that most stores need, for authors of backends; exempt from semantic versioning | no |
//! | `conformance` | the suite that every backend passes; exempt from semantic versioning | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate self as factos;

mod append;
mod append_error;
pub mod array;
#[cfg(feature = "backend")]
pub mod backend;
mod checkpoint;
mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decider;
mod dispatch;
mod error_kind;
mod error_report;
mod event;
mod event_error;
mod event_id;
mod event_kind;
mod event_page;
mod event_type;
mod events;
mod hexadecimal;
mod into_query;
mod invalid_query;
#[cfg(all(feature = "json", feature = "serialize"))]
mod json_view;
mod limits;
mod metadata;
mod page_cursor;
mod payloads;
mod position;
mod private;
mod query;
mod query_for;
mod reactor;
mod read_options;
mod recorded;
mod revision;
#[cfg(feature = "serialize")]
mod rfc3339;
mod schema;
#[cfg(feature = "serialize")]
mod serialize;
mod store;
mod store_error;
mod store_ext;
mod stream_name;
mod subscription;
mod tag;
mod tag_value;
mod tags;
pub mod testing;
mod text_rules;
mod transactional_store;
mod turns;
mod typed_events;
mod view;

pub use ::serde;
pub use append::{AppendCondition, NewEvent};
pub use append_error::{AppendError, Conflict, InvalidEvent};
pub use bytes::Bytes;
pub use checkpoint::{Anchor, CheckpointError};
#[cfg(feature = "cbor")]
pub use codec::cbor::Cbor;
#[cfg(feature = "json")]
pub use codec::json::{Json, JsonError, JsonValue};
#[cfg(feature = "messagepack")]
pub use codec::message_pack::MessagePack;
#[cfg(feature = "postcard")]
pub use codec::postcard::Postcard;
pub use codec::{Codec, error::CodecError};
pub use decider::{
    Decider,
    closure::decider_fn,
    compute::{compute_events, compute_state, evolve_recorded},
    map::{MapCommand, MapError, WithContext},
};
pub use dispatch::{
    AttemptOutcome, Attempted, Context, Dispatch, DispatchAttempt, DispatchStream, Dispatched,
    Dispatcher, Error, GuardNotCovered, Infrastructure, InvalidArgument, KeyDifference, KeyReused,
    LoadedStream, MAX_IDEMPOTENCY_KEY_BYTES, OutcomeUnknown, OutsideBoundary, Retry,
    SharedDispatch, Split, dispatch, dispatch_stream, load_stream, read_context,
};
pub use error_kind::ErrorKind;
pub use error_report::{ErrorReport, Report};
pub use event::{Event, Includes, decode, encode};
pub use event_error::{DecodeError, EncodeError, Undecodable};
pub use event_id::EventId;
pub use event_kind::EventKind;
pub use event_page::EventPage;
pub use event_type::EventType;
pub use events::{Events, Page};
#[cfg(feature = "derive")]
pub use factos_derive::{Event, Payload, TagValue};
pub use into_query::IntoQuery;
pub use invalid_query::InvalidQuery;
pub use limits::Limits;
pub use metadata::{InvalidMetadata, Metadata};
pub use page_cursor::{InvalidCursor, PageCursor};
pub use payloads::Payloads;
pub use position::SequencePosition;
pub use query::{EmptyQuery, Query, QueryItem};
pub use query_for::QueryFor;
pub use reactor::{Reactor, Then, closure::reactor_fn, react_all};
pub use read_options::{ReadCursor, ReadOptions};
pub use recorded::Recorded;
pub use revision::Revision;
pub use schema::{Schema, TypeInfo};
pub use store::EventStore;
pub use store_error::{StoreError, StoreErrorKind};
pub use store_ext::EventStoreExt;
pub use stream_name::StreamName;
pub use subscription::{Batch, SubscribeError, Subscription, TypedSubscription};
pub use tag::Tag;
pub use tag_value::{ArgOf, TagItem, TagValue};
pub use tags::{InvalidTags, Tags};
pub use text_rules::{InvalidText, MAX_TEXT_BYTES};
pub use transactional_store::TransactionalStore;
pub use turns::Turns;
pub use typed_events::{TypedEvents, Unknown};
pub use view::{View, closure::view_fn, project, project_from};

#[doc(hidden)]
pub mod __private {
    pub use crate::private::*;
}

/// The program of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
