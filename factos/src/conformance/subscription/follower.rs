use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    event::Event,
    event_error::{EncodeError, Undecodable},
    event_type::EventType,
    position::SequencePosition,
    query::Query,
    schema::{Schema, TypeInfo},
    store::EventStore,
    store_ext::EventStoreExt,
    subscription::{Batch, SubscribeError, Subscription, TypedSubscription},
    tags::Tags,
    typed_events::Unknown,
};

/// A way to follow a log, on which the cases run.
pub trait Subscriber: 'static {
    /// Follows the query from a position on, in batches of at most a page.
    fn follow<'a>(
        store: &'a dyn EventStore,
        query: Query,
        from: Option<SequencePosition>,
        page: usize,
    ) -> Box<dyn Follower + 'a>;

    /// The same, with every event decoded.
    fn follow_words<'a>(
        store: &'a dyn EventStore,
        from: Option<SequencePosition>,
        page: usize,
        unknown: Unknown,
    ) -> Box<dyn Follower<Word> + 'a>;
}

/// What is followed.
#[async_trait]
pub trait Follower<E = Bytes>: Send {
    /// The next batch. Dropping the call loses nothing.
    async fn next(&mut self) -> Result<Batch<E>, SubscribeError>;
}

/// The subscriptions of the library.
#[derive(Debug)]
pub struct Subscribe;

impl Subscriber for Subscribe {
    fn follow<'a>(
        store: &'a dyn EventStore,
        query: Query,
        from: Option<SequencePosition>,
        page: usize,
    ) -> Box<dyn Follower + 'a> {
        Box::new(store.subscribe(query, from).page(page))
    }

    fn follow_words<'a>(
        store: &'a dyn EventStore,
        from: Option<SequencePosition>,
        page: usize,
        unknown: Unknown,
    ) -> Box<dyn Follower<Word> + 'a> {
        Box::new(store.subscribe(Query::all(), from).page(page).events(unknown))
    }
}

#[async_trait]
impl<S: EventStore + ?Sized> Follower for Subscription<'_, S> {
    async fn next(&mut self) -> Result<Batch, SubscribeError> {
        Subscription::next(self).await
    }
}

#[async_trait]
impl<S: EventStore + ?Sized, E: Event> Follower<E> for TypedSubscription<'_, S, E> {
    async fn next(&mut self) -> Result<Batch<E>, SubscribeError> {
        TypedSubscription::next(self).await
    }
}

/// An event of the type `A`, whose payload must be `{}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word;

impl Event for Word {
    const SCHEMA: &'static Schema = &Schema::new(&[TypeInfo::new("A", 1, "Word")]);

    fn event_type(&self) -> EventType {
        EventType::from_static("A")
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        Ok(Tags::default())
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(Bytes::from_static(b"{}"))
    }

    fn decode(event_type: &EventType, _: u32, payload: &[u8]) -> Result<Self, Undecodable> {
        match (event_type.as_str(), payload) {
            ("A", b"{}") => Ok(Self),
            ("A", _) => Err(Undecodable::Malformed("not the payload of a word".into())),
            _ => Err(Undecodable::UnknownType),
        }
    }
}
