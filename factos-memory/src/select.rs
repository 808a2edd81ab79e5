//! Which positions a query selects, found from postings and never by scanning the log.

use std::hint::black_box;

use factos::{
    Bytes, Page, Query, QueryItem, ReadCursor, Recorded, SequencePosition, backend::Selection,
};

use crate::log::{Log, Positions};

/// The positions of one alternative: those of the shortest list that every other part admits.
struct Arm<'a> {
    log: &'a Log,
    driver: &'a [u64],
    tags: Vec<&'a [u64]>,
    /// The item whose types are still to be compared.
    types: Option<&'a QueryItem>,
}

impl Log {
    /// The next records of a read, at most `most`, and whether there may be more.
    pub(crate) fn page(
        &self,
        selection: &Selection,
        cursor: &ReadCursor,
        most: usize,
    ) -> (Page, bool) {
        let positions = self.positions(selection, cursor, most);
        let mut records = Vec::with_capacity(positions.len());
        records.extend(positions.iter().filter_map(|at| self.record(*at)));
        // Cold records are fetched side by side here; the atomic counts of a clone would fetch them one
        // after the other.
        black_box(records.iter().map(|record| touch(record)).fold(0, u64::wrapping_add));
        let page: Page = records.into_iter().cloned().collect();
        let has_more = page.len() == most;
        (page, has_more)
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
        let mut arms = Vec::with_capacity(items.len());
        for item in items {
            self.push_arms(item, low, high, &mut arms);
        }
        if let [arm] = &arms[..] {
            return arm.take(backwards, most);
        }
        let mut positions: Vec<_> = arms.iter().flat_map(|arm| arm.take(backwards, most)).collect();
        positions.sort_unstable();
        positions.dedup();
        if backwards {
            positions.reverse();
        }
        positions.truncate(most);
        positions
    }

    /// One matching position above `low`, if there is one.
    pub(crate) fn any_match(&self, query: &Query, low: u64) -> Option<SequencePosition> {
        let head = self.head();
        if low >= head {
            return None;
        }
        let position = match query.items() {
            None => Some(low + 1),
            Some(items) => items.iter().find_map(|item| {
                let mut arms = Vec::new();
                self.push_arms(item, low, head, &mut arms);
                arms.iter().find_map(Arm::first)
            }),
        };
        position.and_then(SequencePosition::new)
    }

    /// The arms of one item: one driven by its rarest tag, or one per type where the types are rarer.
    fn push_arms<'a>(&'a self, item: &'a QueryItem, low: u64, high: u64, arms: &mut Vec<Arm<'a>>) {
        let list = |positions: Option<&'a Positions>| {
            positions.map_or(&[][..], |positions| cut(positions, low, high))
        };
        let mut tags = item.tags().iter().map(|tag| self.tags.get(tag).map(|t| &t.positions));
        if item.types().len() == 0 && item.tags().len() == 1 {
            let driver = list(tags.next().flatten());
            return arms.push(Arm { log: self, driver, tags: Vec::new(), types: None });
        }
        let mut tags: Vec<_> = tags.map(list).collect();
        tags.sort_unstable_by_key(|positions| positions.len());
        let types: Vec<_> = item.types().map(|name| list(self.types.get(name))).collect();
        let by_type: usize = types.iter().map(|positions| positions.len()).sum();
        match tags.split_first() {
            Some((driver, others)) if types.is_empty() || driver.len() <= by_type => {
                let types = (!types.is_empty()).then_some(item);
                arms.push(Arm { log: self, driver, tags: others.to_vec(), types });
            }
            _ => arms.extend(types.into_iter().map(|driver| Arm {
                log: self,
                driver,
                tags: tags.clone(),
                types: None,
            })),
        }
    }
}

impl Arm<'_> {
    fn take(&self, backwards: bool, most: usize) -> Vec<u64> {
        if self.tags.is_empty() && self.types.is_none() {
            return take(self.driver.iter().copied(), backwards, most);
        }
        let admitted = self.driver.iter().copied().filter(|position| self.admits(*position));
        take(admitted, backwards, most)
    }

    fn first(&self) -> Option<u64> {
        self.driver.iter().copied().find(|position| self.admits(*position))
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

/// Reads a bit of each cache line of a record.
fn touch(record: &Recorded<Bytes>) -> u64 {
    let Recorded { position, version, tags, event, .. } = record;
    position.get() ^ u64::from(*version) ^ (tags.as_lines().len() ^ event.len()) as u64
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
