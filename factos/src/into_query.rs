use crate::{invalid_query::InvalidQuery, query::Query, query_for::QueryFor};

/// A query that a read takes: a [`Query`], a [`QueryFor`] or one that a derived event makes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no query",
    label = "give a `Query`, or the query that an event makes"
)]
pub trait IntoQuery {
    /// The query, without an event type.
    ///
    /// # Errors
    /// [`InvalidQuery`]: an argument cannot be a tag, or no event carries all the keys of an item.
    fn into_query(self) -> Result<Query, InvalidQuery>;
}

impl IntoQuery for Query {
    fn into_query(self) -> Result<Query, InvalidQuery> {
        Ok(self)
    }
}

impl IntoQuery for &Query {
    fn into_query(self) -> Result<Query, InvalidQuery> {
        Ok(self.clone())
    }
}

impl<E> IntoQuery for QueryFor<E> {
    fn into_query(self) -> Result<Query, InvalidQuery> {
        self.as_query().cloned()
    }
}
