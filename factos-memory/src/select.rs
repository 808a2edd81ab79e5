//! Which positions a query selects, found from postings and never by scanning the log.

use std::sync::Arc;

use factos::{Bytes, Query, QueryItem, ReadCursor, Recorded, SequencePosition, StreamName};

use crate::log::Log;

/// What a read asks for.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    Query(Query),
    Stream(StreamName),
}

/// The positions of one alternative: those of the shortest list that every other part admits.
struct Arm<'a> {
    log: &'a Log,
    driver: &'a [u64],
    tags: Vec<&'a [u64]>,
    /// The item whose types are still to be compared.
    types: Option<&'a QueryItem>,
}

impl Log {
    /// The next records of a read, at most `most`.
    pub(crate) fn page(
        &self,
        selection: &Selection,
        cursor: &mut ReadCursor,
        most: usize,
    ) -> Vec<Arc<Recorded<Bytes>>> {
        if cursor.is_done() {
            return Vec::new();
        }
        let most = cursor.page_size(most);
        let positions = self.positions(selection, cursor, most);
        match positions.last().copied().and_then(SequencePosition::new) {
            Some(last) if positions.len() == most => cursor.advance(most, last),
            _ => cursor.finish(),
        }
        positions.iter().filter_map(|position| self.record(*position).cloned()).collect()
    }

    fn positions(&self, selection: &Selection, cursor: &ReadCursor, most: usize) -> Vec<u64> {
        let (low, high, backwards) = (cursor.low(), cursor.high(), cursor.is_backwards());
        let items = match selection {
            Selection::Query(query) => query.items(),
            Selection::Stream(stream) => {
                let positions = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
                let driver = cut(positions, low, high);
                return take(driver.iter().copied(), backwards, most);
            }
        };
        let Some(items) = items else {
            return take(low + 1..=high, backwards, most);
        };
        let arms: Vec<_> = items.iter().flat_map(|item| self.arms(item, low, high)).collect();
        let mut positions = Vec::new();
        for arm in &arms {
            positions.append(&mut arm.take(backwards, most));
        }
        if arms.len() > 1 {
            positions.sort_unstable();
            positions.dedup();
            if backwards {
                positions.reverse();
            }
            positions.truncate(most);
        }
        positions
    }

    /// One matching position above `low`, if there is one.
    pub(crate) fn first_match(&self, query: &Query, low: u64) -> Option<SequencePosition> {
        let head = self.head();
        if low >= head {
            return None;
        }
        let position = match query.items() {
            None => Some(low + 1),
            Some(items) => items
                .iter()
                .flat_map(|item| self.arms(item, low, head))
                .find_map(|arm| arm.take(false, 1).pop()),
        };
        position.and_then(SequencePosition::new)
    }

    /// The arms of one item: one driven by its rarest tag, or one per type where the types are rarer.
    fn arms<'a>(&'a self, item: &'a QueryItem, low: u64, high: u64) -> Vec<Arm<'a>> {
        let list = |positions: Option<&'a Vec<u64>>| {
            positions.map_or(&[][..], |positions| cut(positions, low, high))
        };
        let mut tags: Vec<_> = item.tags().iter().map(|tag| list(self.tags.get(tag))).collect();
        tags.sort_unstable_by_key(|positions| positions.len());
        let types: Vec<_> = item.types().map(|name| list(self.types.get(name))).collect();
        let by_type: usize = types.iter().map(|positions| positions.len()).sum();
        let types_are_rarer =
            !types.is_empty() && tags.first().is_none_or(|rarest| by_type < rarest.len());
        if types_are_rarer {
            let arm = |driver| Arm { log: self, driver, tags: tags.clone(), types: None };
            return types.into_iter().map(arm).collect();
        }
        let types = (!types.is_empty()).then_some(item);
        let Some((driver, others)) = tags.split_first() else {
            return Vec::new();
        };
        vec![Arm { log: self, driver, tags: others.to_vec(), types }]
    }
}

impl Arm<'_> {
    fn take(&self, backwards: bool, most: usize) -> Vec<u64> {
        let admitted = self.driver.iter().copied().filter(|position| self.admits(*position));
        take(admitted, backwards, most)
    }

    fn admits(&self, position: u64) -> bool {
        self.tags.iter().all(|positions| positions.binary_search(&position).is_ok())
            && self.types.is_none_or(|item| {
                self.log
                    .record(position)
                    .is_some_and(|record| item.types().any(|name| *name == record.event_type))
            })
    }
}

fn take(positions: impl DoubleEndedIterator<Item = u64>, backwards: bool, most: usize) -> Vec<u64> {
    if backwards { positions.rev().take(most).collect() } else { positions.take(most).collect() }
}

/// The positions above `low`, up to and with `high`.
fn cut(positions: &[u64], low: u64, high: u64) -> &[u64] {
    // Conditions and followers ask near the head: the last position settles most of them.
    if positions.last().is_none_or(|last| *last <= low) {
        return &[];
    }
    let start = positions.partition_point(|position| *position <= low);
    let rest = &positions[start..];
    &rest[..rest.partition_point(|position| *position <= high)]
}
