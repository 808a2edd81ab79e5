use crate::{
    dispatch::error::{InvalidArgument, KeyReused},
    event::Event,
    invalid_query::InvalidQuery,
    metadata::Metadata,
    query::Query,
    query_for::QueryFor,
    recorded::Recorded,
    tag::Tag,
};

/// The key of the tag that holds the idempotency key.
const TAG_KEY: &str = "factos.key";

/// The metadata key of the fingerprint of the request.
const FINGERPRINT: &str = "idempotency_fingerprint";

/// A key that is carried by the events of one command, so that the command takes effect once.
#[derive(Debug, Clone)]
pub(super) struct IdempotencyKey(Tag);

impl IdempotencyKey {
    pub(super) fn new(key: &str) -> Result<Self, InvalidArgument> {
        Tag::of_any_key(TAG_KEY, key).map(Self).map_err(InvalidArgument::IdempotencyKey)
    }

    pub(super) const fn tag(&self) -> &Tag {
        &self.0
    }

    /// This query, or the events of `E` that carry the key.
    pub(super) fn widen<E: Event>(&self, query: &Query) -> Result<Query, InvalidQuery> {
        let all = QueryFor::<E>::all_types().into_query()?;
        Ok(all.items().map_or_else(Query::all, |items| {
            let keyed = items.iter().map(|item| item.clone().tagged(&self.0));
            keyed.fold(query.clone(), Query::or)
        }))
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

    /// Refuses earlier events of another request. That shows only if both requests have a fingerprint.
    pub(super) fn check<E>(
        &self,
        earlier: &[Recorded<E>],
        fingerprint: Option<&str>,
    ) -> Result<(), KeyReused> {
        let stored = earlier.first().and_then(|record| record.metadata.get(FINGERPRINT));
        match (stored, fingerprint) {
            (Some(earlier), Some(given)) if earlier != given => Err(KeyReused {
                key: self.0.value().to_owned(),
                earlier: earlier.to_owned(),
                given: given.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}
