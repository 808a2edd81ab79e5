//! A reference, a box and an `Arc` of a store are stores.

// Otherwise a method that is added to the trait with a default would silently not be forwarded.
#![deny(clippy::missing_trait_methods)]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    events::Events,
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
    store_error::StoreError,
    stream_name::StreamName,
    turns::Turns,
};

macro_rules! pointers {
    ($($generics:tt)*) => {
        #[async_trait]
        impl $($generics)* {
            fn log_id(&self) -> &str {
                (**self).log_id()
            }

            async fn read(
                &self,
                query: &Query,
                options: ReadOptions,
            ) -> Result<Events<'_>, StoreError> {
                (**self).read(query, options).await
            }

            async fn read_stream(
                &self,
                stream: &StreamName,
                options: ReadOptions,
            ) -> Result<Events<'_>, StoreError> {
                (**self).read_stream(stream, options).await
            }

            async fn append(
                &self,
                events: Vec<NewEvent>,
                condition: AppendCondition,
            ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
                (**self).append(events, condition).await
            }

            async fn append_unless(
                &self,
                events: Vec<NewEvent>,
                exists: Query,
                guard: Query,
                after: Option<SequencePosition>,
            ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
                (**self).append_unless(events, exists, guard, after).await
            }

            async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
                (**self).head().await
            }

            async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
                (**self).wait_past(after).await
            }

            fn turns(&self) -> Option<&Turns> {
                (**self).turns()
            }
        }
    };
}

pointers!(<S: EventStore + ?Sized> EventStore for &S);
pointers!(<S: EventStore + ?Sized> EventStore for Box<S>);
pointers!(<S: EventStore + ?Sized> EventStore for Arc<S>);
