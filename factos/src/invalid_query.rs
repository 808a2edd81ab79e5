use crate::{query::Query, text_rules::InvalidText};

/// The error of a typed query that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidQuery {
    /// An argument cannot be a tag.
    #[error("the value for {key:?} in a query does not make a tag")]
    Tag {
        /// The tag's key.
        key: &'static str,
        /// What is wrong with the value.
        source: InvalidText,
    },
    /// No event carries all the keys that one item asks for.
    #[error("no event of {event} carries all of the tags {keys:?}")]
    NoEvent {
        /// The event type.
        event: &'static str,
        /// The keys asked for.
        keys: Vec<&'static str>,
    },
    /// The query can select events that do not decode into the event type.
    #[error("the query {query} selects more than the stored types of the event type")]
    Foreign {
        /// The query asked for.
        query: Query,
    },
    /// An item without a tag is asked for any type: that would be every event of the log.
    #[error("the query {query} has an item without a tag, which cannot be for any type")]
    AnyTypeOfAll {
        /// The query asked for.
        query: Query,
    },
    /// A query was narrowed to no kind at all.
    #[error("the query {query} is narrowed to no kind of event")]
    NoKind {
        /// The query before.
        query: Query,
    },
    /// A query was narrowed to a kind of which it selects no event: none of that kind carries its tags.
    #[error("the query {query} selects no event of the kind {kind:?}")]
    NotOfKind {
        /// The query before.
        query: Query,
        /// The stored name of the kind.
        kind: &'static str,
    },
    /// The event type declares no stored type, or one with an invalid name.
    #[error("the event type declares no stored type with a valid name")]
    NoType,
}
