//! The names that an append or a read locks.
//!
//! An append locks the stream, the type and each tag of its events. A condition or a read locks, for each
//! item of its query, one name that every matching event carries, so that the two always meet. This is rule
//! 1. Two rules on one log would not exclude each other, so the log stores the number of its rule.

use std::{collections::BTreeMap, sync::Arc};

use factos::{AppendCondition, NewEvent, Query, QueryItem, StreamName};

/// The number of the rule.
pub(crate) const RULE: i32 = 1;

/// Names, sorted by bytes, each with whether it is locked exclusively.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct LockNames(BTreeMap<Arc<str>, bool>);

impl LockNames {
    /// The names that an append locks; none for the whole log.
    pub(crate) fn of_append(
        events: &[NewEvent],
        condition: &AppendCondition,
        exists: Option<&Query>,
    ) -> Option<Self> {
        let mut names = match condition {
            AppendCondition::FailIfEventsMatch { query, .. } => Self::of_query(query)?,
            AppendCondition::ExpectedRevision { stream, .. } => {
                Self::of("s:", stream.as_str(), true)
            }
            AppendCondition::None => Self::default(),
        };
        if let Some(exists) = exists {
            names.merge(&Self::of_query(exists)?);
        }
        for event in events {
            if let Some(stream) = &event.stream {
                names.add("s:", stream.as_str(), true);
            }
            names.add("y:", event.event_type.as_str(), false);
            for tag in event.tags.iter() {
                names.add("t:", tag, false);
            }
        }
        Some(names)
    }

    /// The names that a condition with this query locks; none for the whole log.
    pub(crate) fn of_query(query: &Query) -> Option<Self> {
        let mut names = Self::default();
        for item in query.items()? {
            match item.tags().iter().next() {
                Some(tag) => names.add("t:", tag, true),
                None => item.types().for_each(|name| names.add("y:", name.as_str(), true)),
            }
        }
        Some(names)
    }

    /// The names that a read locks until the appends in flight on them have ended; none if they would not all
    /// be tags.
    pub(crate) fn of_read(query: &Query) -> Option<Self> {
        let is_tagged = |item: &QueryItem| !item.tags().is_empty();
        if query.items()?.iter().all(is_tagged) { Self::of_query(query) } else { None }
    }

    /// The name that a read of a stream locks. Its writers exclude each other, so a reader need not.
    pub(crate) fn of_stream(stream: &StreamName) -> Self {
        Self::of("s:", stream.as_str(), false)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn first(&self) -> Option<&str> {
        self.0.keys().next().map(|name| &**name)
    }

    /// The names at these places, which count from 1.
    pub(crate) fn at(&self, places: &[i32]) -> Vec<&str> {
        let placed = (1..).zip(self.0.keys());
        placed.filter(|(place, _)| places.contains(place)).map(|(_, name)| &**name).collect()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// How many names there would be with those of `other`.
    pub(crate) fn len_with(&self, other: &Self) -> usize {
        self.len() + other.0.keys().filter(|name| !self.0.contains_key(*name)).count()
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, exclusive) in &other.0 {
            *self.0.entry(Arc::clone(name)).or_default() |= exclusive;
        }
    }

    /// The names, and for each whether it is locked exclusively.
    pub(crate) fn columns(&self) -> (Vec<&str>, Vec<bool>) {
        self.0.iter().map(|(name, exclusive)| (&**name, *exclusive)).unzip()
    }

    fn of(kind: &str, name: &str, exclusive: bool) -> Self {
        let mut names = Self::default();
        names.add(kind, name, exclusive);
        names
    }

    fn add(&mut self, kind: &str, name: &str, exclusive: bool) {
        let mut text = String::with_capacity(kind.len() + name.len());
        text.push_str(kind);
        text.push_str(name);
        *self.0.entry(text.into()).or_default() |= exclusive;
    }
}

#[cfg(test)]
mod tests {
    use factos::{EventType, Tag, Tags};

    use super::*;

    fn tags(texts: &[&str]) -> Tags {
        texts.iter().map(|text| Tag::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_writer_and_a_condition_meet_in_one_name() {
        let mut event = NewEvent::new(EventType::from_static("A"), "");
        event.tags = tags(&["x:1", "y:2"]);
        event.stream = Some(StreamName::new("s").unwrap());
        let query = Query::item(QueryItem::with_tags(tags(&["x:1", "w:9"])).unwrap())
            .or(QueryItem::of_type(EventType::from_static("B")));
        let condition = AppendCondition::fail_if_events_match(query);
        let names = LockNames::of_append(&[event], &condition, None).unwrap();
        let expected = [("s:s", true), ("t:w:9", true), ("t:x:1", false), ("t:y:2", false)];
        let expected = expected.into_iter().chain([("y:A", false), ("y:B", true)]);
        let (names, exclusive) = names.columns();
        assert!(names.into_iter().zip(exclusive).eq(expected));
    }

    #[test]
    fn what_must_not_exist_is_locked_too() {
        let mut event = NewEvent::new(EventType::from_static("A"), "");
        event.tags = tags(&["k:1", "x:1"]);
        let exists = Query::item(QueryItem::with_tags(tags(&["k:1"])).unwrap());
        let guard = Query::item(QueryItem::with_tags(tags(&["x:1"])).unwrap());
        let condition = AppendCondition::fail_if_events_match(guard);
        let append = |exists| LockNames::of_append(&[event.clone()], &condition, Some(exists));
        let names = append(&exists).unwrap();
        assert_eq!(names.columns(), (vec!["t:k:1", "t:x:1", "y:A"], vec![true, true, false]));
        assert_eq!(append(&Query::all()), None);
    }

    #[test]
    fn an_exclusive_lock_stays_exclusive() {
        let mut names =
            LockNames::of_query(&Query::item(QueryItem::with_tags(tags(&["x:1"])).unwrap()));
        let mut event = NewEvent::new(EventType::from_static("A"), "");
        event.tags = tags(&["x:1"]);
        let written = LockNames::of_append(&[event], &AppendCondition::None, None).unwrap();
        let names = names.as_mut().unwrap();
        assert_eq!(names.len_with(&written), 2);
        names.merge(&written);
        assert_eq!(names.columns(), (vec!["t:x:1", "y:A"], vec![true, false]));
    }

    #[test]
    fn a_query_without_tags_takes_types_or_the_whole_log() {
        assert_eq!(LockNames::of_query(&Query::all()), None);
        let of_type = Query::item(QueryItem::of_type(EventType::from_static("A")));
        assert_eq!(LockNames::of_query(&of_type).unwrap().columns(), (vec!["y:A"], vec![true]));
        assert_eq!(LockNames::of_read(&of_type), None);
    }
}
