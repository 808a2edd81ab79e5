use super::{Query, QueryItem};

impl Query {
    /// Whether every event that `other` can select is one that this query selects, item by item:
    /// each item of `other` has types and tags at least as narrow as one item here.
    ///
    /// `true` is a proof. `false` is none: several items of this query may together cover an item of `other`
    /// that no single one covers.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self.items(), other.items()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(others)) => others.iter().all(|narrow| self.covers_item(narrow)),
        }
    }

    /// [`covers`](Self::covers), for the query of one item.
    pub(crate) fn covers_item(&self, narrow: &QueryItem) -> bool {
        self.items().is_none_or(|items| items.iter().any(|wide| wide.covers(narrow)))
    }
}

impl QueryItem {
    fn covers(&self, narrow: &Self) -> bool {
        let types = self.types.is_empty()
            || (!narrow.types.is_empty() && narrow.types.is_subset(&self.types));
        types && narrow.tags.contains_all(&self.tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event_type::EventType, tag::Tag};

    fn item(types: &[&str], tags: &[&str]) -> Query {
        Query::item(QueryItem {
            types: types.iter().map(|t| EventType::new(t).unwrap()).collect(),
            tags: tags.iter().map(|t| Tag::parse(t).unwrap()).collect(),
        })
    }

    #[test]
    fn a_narrower_item_is_covered() {
        let wide = item(&["A", "B"], &["x:1"]);
        assert!(wide.covers(&wide));
        assert!(wide.covers(&item(&["A"], &["x:1"])));
        assert!(wide.covers(&item(&["B"], &["x:1", "y:1"])));
        assert!(item(&[], &["x:1"]).covers(&wide));
        assert!(Query::all().covers(&wide));
        assert!(Query::all().covers(&Query::all()));
    }

    #[test]
    fn a_wider_item_is_not_covered() {
        let query = item(&["A", "B"], &["x:1"]);
        assert!(!query.covers(&item(&["A", "C"], &["x:1"])));
        assert!(!query.covers(&item(&["A"], &[])));
        assert!(!query.covers(&item(&[], &["x:1"])));
        assert!(!query.covers(&Query::all()));
        assert!(!item(&["A"], &[]).covers(&item(&[], &["x:1"])));
    }
}
