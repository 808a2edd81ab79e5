use std::collections::HashSet;

use crate::{
    limits::Limits,
    query::{Query, QueryItem},
};

/// The events that refuse a batch: those of any guard of its commands.
pub(super) struct Guards {
    all: bool,
    items: Vec<QueryItem>,
    known: HashSet<QueryItem>,
}

impl Guards {
    pub(super) fn new() -> Self {
        Self { all: false, items: Vec::new(), known: HashSet::new() }
    }

    /// Whether one more guard makes a query that every store accepts.
    pub(super) fn admit(&self, guard: &Query) -> bool {
        let Some(items) = guard.items() else {
            return true;
        };
        let new = items.iter().filter(|item| !self.known.contains(item)).count();
        new == 0 || self.items.is_empty() || self.items.len() + new <= Limits::FLOOR.items_per_query
    }

    pub(super) fn add(&mut self, guard: &Query) {
        let Some(items) = guard.items() else {
            self.all = true;
            return;
        };
        for item in items {
            if !self.known.contains(item) {
                self.known.insert(item.clone());
                self.items.push(item.clone());
            }
        }
    }

    /// The query of all guards; `None` if there are none.
    pub(super) fn query(&self) -> Option<Query> {
        if self.all { Some(Query::all()) } else { Query::any_of(self.items.iter().cloned()).ok() }
    }
}
