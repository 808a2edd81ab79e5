use crate::{
    error_kind::ErrorKind, event_error::DecodeError, invalid_query::InvalidQuery,
    position::SequencePosition, store_error::StoreError,
};

/// The error of a subscription. It leaves the subscription where it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The store failed.
    #[error("the log cannot be followed")]
    Store(#[from] StoreError),
    /// An event does not decode. The subscription does not pass it: a new one can go on after its position.
    #[error("the subscription meets an event that it cannot read")]
    Decode(#[from] DecodeError),
    /// The position is above the head: it is one of another log, or this log went back.
    #[error("cannot go on from position {from}: the log ends at {}", head.map_or(0, SequencePosition::get))]
    AboveHead {
        /// The position that the subscription was to go on from.
        from: SequencePosition,
        /// The last position of the log; `None` if it is empty.
        head: Option<SequencePosition>,
    },
    /// The query is not valid.
    #[error("the query of the subscription is not valid")]
    Query(#[source] InvalidQuery),
}

impl SubscribeError {
    /// The kind of this error, by what a service does about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind().into(),
            Self::Decode(_) => ErrorKind::Mismatch,
            Self::Query(InvalidQuery::Tag { .. }) => ErrorKind::Argument,
            Self::AboveHead { .. } | Self::Query(_) => ErrorKind::Broken,
        }
    }

    /// Whether the subscription may succeed if it is polled again, after a pause.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }
}

/// Whether a stream ends with this.
pub(super) fn is_final<T>(outcome: &Result<T, SubscribeError>) -> bool {
    outcome.as_ref().is_err_and(|error| !error.is_retryable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dispatch::Error, query::Query, tag::Tag};

    #[test]
    fn an_invalid_query_is_of_the_same_kind_as_in_a_dispatch() {
        let source = Tag::new("seat", "").unwrap_err();
        let value = InvalidQuery::Tag { key: "seat", source };
        let kinds = [ErrorKind::Argument, ErrorKind::Broken];
        for (query, kind) in
            [value, InvalidQuery::NoKind { query: Query::all() }].into_iter().zip(kinds)
        {
            assert_eq!(Error::<()>::Query(query.clone()).kind(), kind);
            assert_eq!(SubscribeError::Query(query).kind(), kind);
        }
    }
}
