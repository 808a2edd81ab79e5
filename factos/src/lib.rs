//! Event sourcing with dynamic consistency boundaries.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod append;
mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decider;
mod dispatch;
mod error;
mod event;
mod event_error;
mod event_id;
mod event_type;
mod events;
mod limits;
mod metadata;
mod position;
mod query;
mod query_for;
mod reactor;
mod read_options;
mod recorded;
mod schema;
mod store;
mod store_ext;
mod stream;
mod tag;
mod tag_value;
mod tags;
mod text;
mod view;

pub use append::{AppendCondition, NewEvent};
pub use bytes::Bytes;
pub use codec::Codec;
pub use decider::{
    Decider, MapCommand, MapError, WithContext, compute_events, compute_state, decider_fn,
    evolve_recorded,
};
pub use dispatch::{
    Context, Dispatch, DispatchStream, Dispatched, Error, GuardNotCovered, Infrastructure,
    InvalidArgument, KeyReused, LoadedStream, OutcomeUnknown, OutsideBoundary, Retry, Split,
    dispatch, dispatch_stream, load_stream, read_context,
};
pub use error::{AppendError, Conflict, InvalidEvent, StoreError, StoreErrorKind};
pub use event::{Event, decode};
pub use event_error::{DecodeError, EncodeError, Undecodable};
pub use event_id::EventId;
pub use event_type::EventType;
pub use events::{Events, Page};
pub use limits::Limits;
pub use metadata::Metadata;
pub use position::SequencePosition;
pub use query::{EmptyQuery, Query, QueryItem};
pub use query_for::{InvalidQuery, QueryFor};
pub use reactor::{Reactor, Then, react_all, reactor_fn};
pub use read_options::{ReadCursor, ReadOptions};
pub use recorded::Recorded;
pub use schema::{Schema, TypeInfo};
pub use store::EventStore;
pub use store_ext::EventStoreExt;
pub use stream::{Revision, StreamName};
pub use tag::Tag;
pub use tag_value::{ArgOf, TagItem, TagValue};
pub use tags::{InvalidTags, Tags};
pub use text::{InvalidText, MAX_TEXT_BYTES};
pub use view::{View, project, project_from, view_fn};
