use crate::{
    append::NewEvent,
    dispatch::{
        error::{InvalidArgument, KeyDifference, KeyReused},
        key_tag::{MAX_IDEMPOTENCY_KEY_BYTES, TAG_KEY},
    },
    event::Event,
    event_type::EventType,
    metadata::Metadata,
    query::{Query, QueryItem},
    recorded::Recorded,
    stream_name::StreamName,
    tag::{self, Tag},
};

/// The metadata key of the fingerprint of the request.
const FINGERPRINT: &str = "idempotency_fingerprint";

/// The type of the event by which a command is remembered that led to none.
const NOTHING: EventType = EventType::from_static("factos.nothing");

/// A key that is carried by the events of one command, so that the command takes effect once.
#[derive(Debug, Clone)]
pub(super) struct IdempotencyKey(Tag);

impl IdempotencyKey {
    pub(super) fn new(key: &str) -> Result<Self, InvalidArgument> {
        if key.len() > MAX_IDEMPOTENCY_KEY_BYTES {
            return Err(InvalidArgument::IdempotencyKeyTooLong { bytes: key.len() });
        }
        Tag::of_any_key(TAG_KEY, key).map(Self).map_err(InvalidArgument::IdempotencyKey)
    }

    pub(super) const fn tag(&self) -> &Tag {
        &self.0
    }

    /// This query, or the events of any type that carry the key.
    pub(super) fn widen(&self, query: &Query) -> Query {
        query.clone().or(QueryItem::with_tag(self.0.clone()))
    }

    /// The tags of keys that a record carries.
    pub(super) fn tags_of<E>(record: &Recorded<E>) -> impl Iterator<Item = &str> {
        record.tags.iter().filter(|tag| tag::split(tag).0 == TAG_KEY)
    }

    pub(super) fn is_on<E>(&self, record: &Recorded<E>) -> bool {
        record.tags.contains(self.0.as_str())
    }

    pub(super) fn describe(
        &self,
        metadata: Metadata,
        fingerprint: Option<&str>,
    ) -> Result<Metadata, InvalidArgument> {
        let metadata = metadata
            .with_idempotency_key(self.0.value())
            .map_err(InvalidArgument::IdempotencyKey)?;
        match fingerprint {
            Some(text) => metadata.with(FINGERPRINT, text).map_err(InvalidArgument::Fingerprint),
            None => Ok(metadata),
        }
    }

    /// The event by which a command is remembered that led to none.
    pub(super) fn nothing(&self, envelope: &Metadata, stream: Option<&StreamName>) -> NewEvent {
        // A payload that every reader of JSON understands.
        let mut event = NewEvent::new(NOTHING, &b"null"[..]);
        event.tags.insert(&self.0);
        event.metadata = envelope.clone();
        event.stream = stream.cloned();
        event
    }

    /// Refuses a record that carries the key if another request has left it.
    pub(super) fn check<E: Event, P>(
        &self,
        earlier: &Recorded<P>,
        fingerprint: Option<&str>,
    ) -> Result<(), KeyReused> {
        let stored = earlier.metadata.get(FINGERPRINT);
        let difference = match (stored, fingerprint) {
            (Some(stored), Some(given)) if stored != given => KeyDifference::OtherFingerprint,
            (Some(_), None) => KeyDifference::NoFingerprint,
            (None, Some(_)) => KeyDifference::NewFingerprint,
            _ if is_nothing(earlier) || E::SCHEMA.find(earlier.event_type.as_str()).is_some() => {
                return Ok(());
            }
            _ => KeyDifference::OtherEvents { event_type: earlier.event_type.clone() },
        };
        Err(KeyReused { key: self.0.value().to_owned(), difference })
    }
}

/// Whether a record only remembers a command that led to no events.
pub(crate) fn is_nothing<E>(record: &Recorded<E>) -> bool {
    record.event_type == NOTHING
}
