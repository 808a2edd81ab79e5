use std::{fmt, sync::Arc};

use crate::{
    event_type::EventType,
    tag::{self, Tag},
    tags::Tags,
};

mod covers;
mod types;

use self::types::Types;

/// A selection of events: all, or those that match at least one item. Cloning allocates nothing.
///
/// A query without items cannot be built, so an empty list never widens to "everything".
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Query(Option<Arc<[QueryItem]>>);

/// One alternative of a query: the event has one of the types (if any are named), and all of the tags.
///
/// An item without types and without tags cannot be built; that is [`Query::all`]. Cloning allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueryItem {
    types: Types,
    tags: Tags,
}

impl Query {
    /// Every event of the log.
    #[must_use]
    pub const fn all() -> Self {
        Self(None)
    }

    /// The events that match one item.
    #[must_use]
    pub fn item(item: QueryItem) -> Self {
        Self(Some([item].into()))
    }

    /// The events that match at least one of the items.
    ///
    /// # Errors
    /// [`EmptyQuery`] if there is no item.
    pub fn any_of(items: impl IntoIterator<Item = QueryItem>) -> Result<Self, EmptyQuery> {
        let items: Arc<[QueryItem]> = items.into_iter().collect();
        if items.is_empty() { Err(EmptyQuery) } else { Ok(Self(Some(items))) }
    }

    /// The events that match this query or the item.
    #[must_use]
    pub fn or(self, item: QueryItem) -> Self {
        match self.0 {
            None => self,
            Some(items) => Self(Some(items.iter().cloned().chain([item]).collect())),
        }
    }

    /// The events that match this query or the other one.
    #[must_use]
    pub fn union(self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Some(items), Some(others)) => {
                Self(Some(items.iter().chain(others.iter()).cloned().collect()))
            }
            _ => Self(None),
        }
    }

    /// The items; `None` if this is [`Query::all`].
    #[must_use]
    pub fn items(&self) -> Option<&[QueryItem]> {
        self.0.as_deref()
    }

    /// Whether an event of this type and with these tags matches. This is the reference: every store must
    /// select the same events.
    #[must_use]
    pub fn matches(&self, event_type: &EventType, tags: &Tags) -> bool {
        self.items().is_none_or(|items| items.iter().any(|item| item.matches(event_type, tags)))
    }
}

impl QueryItem {
    /// Events of one type.
    #[must_use]
    pub fn of_type(event_type: EventType) -> Self {
        Self { types: event_type.into(), tags: Tags::new() }
    }

    /// Events of any of the types.
    ///
    /// # Errors
    /// [`EmptyQuery`] if there is no type.
    pub fn of_types(types: impl IntoIterator<Item = EventType>) -> Result<Self, EmptyQuery> {
        let types: Types = types.into_iter().collect();
        if types.is_empty() { Err(EmptyQuery) } else { Ok(Self { types, tags: Tags::new() }) }
    }

    /// Events of any type with this tag.
    #[must_use]
    pub fn with_tag(tag: Tag) -> Self {
        Self { types: Types::new(), tags: tag.into() }
    }

    /// Events of any type with all of the tags.
    ///
    /// # Errors
    /// [`EmptyQuery`] if there is no tag.
    pub fn with_tags(tags: Tags) -> Result<Self, EmptyQuery> {
        if tags.is_empty() { Err(EmptyQuery) } else { Ok(Self { types: Types::new(), tags }) }
    }

    /// Narrows this item to events that also have the tag.
    #[must_use]
    pub fn tagged(mut self, tag: &Tag) -> Self {
        self.tags.insert(tag);
        self
    }

    /// This item for events of any type; none if it has no tag, as it would be every event.
    #[must_use]
    pub fn any_type(&self) -> Option<Self> {
        Self::with_tags(self.tags.clone()).ok()
    }

    /// Whether it asks for tags of the library alone.
    pub(crate) fn is_of_library(&self) -> bool {
        !self.tags.is_empty() && self.tags.iter().all(tag::is_of_library)
    }

    /// The same types, with the tags of the other item.
    pub(crate) fn with_tags_of(mut self, other: &Self) -> Self {
        self.tags = other.tags.clone();
        self
    }

    /// The types of which an event must have one, in order; no types, no constraint.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &EventType> + Clone {
        self.types.as_slice().iter()
    }

    /// The tags of which an event must have all; no tags, no constraint.
    #[must_use]
    pub const fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Whether an event of this type and with these tags matches.
    #[must_use]
    pub fn matches(&self, event_type: &EventType, tags: &Tags) -> bool {
        (self.types.is_empty() || self.types.contains(event_type)) && tags.contains_all(&self.tags)
    }
}

impl From<QueryItem> for Query {
    fn from(item: QueryItem) -> Self {
        Self::item(item)
    }
}

/// `every event`, or the items joined by `or`: `(type A or B, tags k:v and k:w)`.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(items) = self.items() else {
            return f.write_str("every event");
        };
        for (i, item) in items.iter().enumerate() {
            write!(f, "{}{item}", if i == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}

impl fmt::Display for QueryItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.types().map(EventType::as_str).collect::<Vec<_>>().join(" or ");
        let tags = self.tags.iter().collect::<Vec<_>>().join(" and ");
        match (types.is_empty(), tags.is_empty()) {
            (false, true) => write!(f, "(type {types})"),
            (true, false) => write!(f, "(tag {tags})"),
            _ => write!(f, "(type {types}, tag {tags})"),
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({self})")
    }
}

/// The error of a query without an item, or of an item without a type and without a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a query needs at least one item, and an item at least one type or tag")]
pub struct EmptyQuery;

#[cfg(test)]
mod tests {
    use super::*;

    fn item(types: &[&str], tags: &[&str]) -> QueryItem {
        QueryItem {
            types: types.iter().map(|t| EventType::new(t).unwrap()).collect(),
            tags: tags.iter().map(|t| Tag::parse(t).unwrap()).collect(),
        }
    }

    fn matches(query: &Query, event_type: &str, tags: &[&str]) -> bool {
        let tags = tags.iter().map(|t| Tag::parse(t).unwrap()).collect();
        query.matches(&EventType::new(event_type).unwrap(), &tags)
    }

    #[test]
    fn items_are_ored_types_are_ored_and_tags_are_anded() {
        let query = Query::item(item(&["A", "B"], &["x:1", "y:1"])).or(item(&["C"], &[]));
        assert!(matches(&query, "A", &["x:1", "y:1"]));
        assert!(matches(&query, "B", &["w:1", "x:1", "y:1", "z:1"]));
        assert!(matches(&query, "C", &[]));
        assert!(!matches(&query, "A", &["x:1"]));
        assert!(!matches(&query, "D", &["x:1", "y:1"]));
    }

    #[test]
    fn no_types_means_any_type_and_no_tags_no_constraint() {
        assert!(matches(&item(&[], &["x:1"]).into(), "A", &["x:1"]));
        assert!(matches(&item(&["A"], &[]).into(), "A", &["x:1"]));
        assert!(matches(&Query::all(), "A", &[]));
        assert_eq!(Query::all().or(item(&["A"], &[])), Query::all());
    }

    #[test]
    fn names_match_byte_for_byte() {
        let query = Query::item(item(&["Ä"], &["x:é"]));
        assert!(matches(&query, "Ä", &["x:é"]));
        assert!(!matches(&query, "A\u{308}", &["x:é"]));
        assert!(!matches(&query, "Ä", &["x:e\u{301}"]));
        assert!(!matches(&query, "ä", &["x:é"]));
    }

    #[test]
    fn nothing_cannot_be_asked_for() {
        assert_eq!(Query::any_of([]), Err(EmptyQuery));
        assert_eq!(QueryItem::of_types([]), Err(EmptyQuery));
        assert_eq!(QueryItem::with_tags(Tags::new()), Err(EmptyQuery));
    }

    #[test]
    fn a_query_reads_as_a_sentence() {
        let query = Query::item(item(&["A", "B"], &["x:1", "y:1"])).or(item(&["C"], &[]));
        assert_eq!(query.to_string(), "(type A or B, tag x:1 and y:1) or (type C)");
        assert_eq!(Query::all().to_string(), "every event");
    }
}
