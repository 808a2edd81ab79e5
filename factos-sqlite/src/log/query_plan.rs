//! How the events of a query are found: by one SELECT for each item, which walks the rows of the item's
//! rarest tag, or of its types where these are rarer, and compares the rest of the item row by row.

use factos::{Query, QueryItem, backend::Selection};
use rusqlite::Connection;

use crate::log::{
    dictionary::{Dictionary, Kind},
    position_select::{Bounds, PositionSelect},
};

/// Where the positions of a query are found in this file.
#[derive(Debug, Clone)]
pub(crate) enum QueryPlan {
    /// Every position in the bounds.
    Everything,
    /// The positions of all these SELECTs; no position if there is no SELECT.
    AnyOf(Vec<PositionSelect>),
}

impl QueryPlan {
    pub(crate) fn of_selection(
        connection: &Connection,
        dictionary: &mut Dictionary,
        selection: &Selection,
        bounds: Bounds,
    ) -> rusqlite::Result<Self> {
        match selection {
            Selection::Query(query) => Self::of_query(connection, dictionary, query, bounds),
            Selection::Stream(stream) => {
                let term = dictionary.find(connection, Kind::Stream, stream.as_str())?;
                let select = term.map(|term| PositionSelect::by_term(&[term], &[], bounds));
                Ok(Self::AnyOf(select.into_iter().collect()))
            }
        }
    }

    pub(crate) fn of_query(
        connection: &Connection,
        dictionary: &mut Dictionary,
        query: &Query,
        bounds: Bounds,
    ) -> rusqlite::Result<Self> {
        let Some(items) = query.items() else { return Ok(Self::Everything) };
        let mut selects = Vec::with_capacity(items.len());
        for item in items {
            if let Some(item) = ResolvedItem::of(connection, dictionary, item)? {
                item.push_selects(connection, bounds, &mut selects)?;
            }
        }
        Ok(Self::AnyOf(selects))
    }
}

/// A range of at most so many positions is walked by the first tag, without a count of the others.
const SHORT_RANGE: i64 = 256;

/// What a row that is found by its type costs, compared with one that is found by a tag: the first looks
/// up the postings of each tag, the second compares a number.
const TYPE_ROW_COST: i64 = 8;

/// How many rows of a tag or a type are counted at first, and the factor while that settles nothing.
const FIRST_COUNT: i64 = 64;
const COUNT_FACTOR: i64 = 16;

const COUNT_TAG: &str = "SELECT count(*) FROM (SELECT 1 FROM posting
     WHERE term = ?1 AND position > ?2 AND position <= ?3 LIMIT ?4)";
const COUNT_TYPE: &str = "SELECT count(*) FROM (SELECT 1 FROM event
     WHERE type = ?1 AND position > ?2 AND position <= ?3 LIMIT ?4)";

/// An item with the numbers of its names. No types: any type.
struct ResolvedItem {
    tags: Vec<i64>,
    types: Vec<i64>,
}

/// Whose rows are walked.
enum Driver {
    Tag(usize),
    Types,
    /// A tag, or all types together, have no row in the bounds: the item matches nothing.
    Nothing,
}

impl ResolvedItem {
    /// None if a name that the item needs is not in the file: then it matches nothing.
    fn of(
        connection: &Connection,
        dictionary: &mut Dictionary,
        item: &QueryItem,
    ) -> rusqlite::Result<Option<Self>> {
        let mut types = Vec::with_capacity(item.types().len());
        for name in item.types() {
            types.extend(dictionary.find(connection, Kind::Type, name.as_str())?);
        }
        if types.is_empty() && item.types().len() > 0 {
            return Ok(None);
        }
        let mut tags = Vec::new();
        for tag in item.tags().iter() {
            match dictionary.find(connection, Kind::Tag, tag)? {
                Some(id) => tags.push(id),
                None => return Ok(None),
            }
        }
        Ok(Some(Self { tags, types }))
    }

    fn push_selects(
        mut self,
        connection: &Connection,
        bounds: Bounds,
        selects: &mut Vec<PositionSelect>,
    ) -> rusqlite::Result<()> {
        match self.driver(connection, bounds)? {
            Driver::Nothing => {}
            Driver::Tag(rarest) => {
                self.tags.swap(0, rarest);
                selects.push(PositionSelect::by_term(&self.tags, &self.types, bounds));
            }
            Driver::Types => {
                let by_type = |id: &i64| PositionSelect::by_type(*id, &self.tags, bounds);
                selects.extend(self.types.iter().map(by_type));
            }
        }
        Ok(())
    }

    fn driver(&self, connection: &Connection, bounds: Bounds) -> rusqlite::Result<Driver> {
        if self.tags.is_empty() {
            return Ok(Driver::Types);
        }
        let is_one_tag = self.tags.len() == 1 && self.types.is_empty();
        if is_one_tag || bounds.high.saturating_sub(bounds.low) <= SHORT_RANGE {
            return Ok(Driver::Tag(0));
        }
        let mut most = FIRST_COUNT;
        loop {
            if let Some(driver) = self.rarest(connection, bounds, most)? {
                return Ok(driver);
            }
            most = most.saturating_mul(COUNT_FACTOR);
        }
    }

    /// The tag with the fewest rows, or the types if they cost less; none if every tag has at least `most`.
    fn rarest(
        &self,
        connection: &Connection,
        bounds: Bounds,
        most: i64,
    ) -> rusqlite::Result<Option<Driver>> {
        let mut least = (most, None);
        for (i, tag) in self.tags.iter().enumerate() {
            match count(connection, COUNT_TAG, *tag, bounds, least.0)? {
                0 => return Ok(Some(Driver::Nothing)),
                rows if rows < least.0 => least = (rows, Some(Driver::Tag(i))),
                _ => {}
            }
        }
        let is_settled = least.1.is_some() && least.0 < FIRST_COUNT;
        if self.types.is_empty() || is_settled {
            return Ok(least.1);
        }
        let enough = (least.0 / TYPE_ROW_COST).max(1);
        let mut rows = 0;
        for id in &self.types {
            rows += count(connection, COUNT_TYPE, *id, bounds, enough - rows)?;
            if rows >= enough {
                return Ok(least.1);
            }
        }
        Ok(Some(if rows == 0 { Driver::Nothing } else { Driver::Types }))
    }
}

/// The rows of one tag or type, counted up to `most`.
fn count(
    connection: &Connection,
    sql: &str,
    id: i64,
    Bounds { low, high }: Bounds,
    most: i64,
) -> rusqlite::Result<i64> {
    connection.prepare_cached(sql)?.query_row([id, low, high, most], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;

    const BOUNDS: Bounds = Bounds { low: 0, high: 10_000 };

    /// Positions 1 to 10,000: term 1 is on all of them, term 2 on five, type 1 is common, type 2 rare.
    fn log() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../sql/schema.sql")).unwrap();
        connection.execute_batch("BEGIN").unwrap();
        for position in 1..=BOUNDS.high {
            let kind = if position % 1000 == 0 { 2 } else { 1 };
            let id = position.to_be_bytes();
            let sql = "INSERT INTO event VALUES (?1, ?2, NULL, NULL, ?3, 1, '', '{}', 0, x'')";
            connection.prepare_cached(sql).unwrap().execute(params![position, id, kind]).unwrap();
            for term in if position % 2000 == 0 { &[1, 2][..] } else { &[1] } {
                let sql = "INSERT INTO posting VALUES (?1, ?2, ?3)";
                let row = [*term, position, kind];
                connection.prepare_cached(sql).unwrap().execute(row).unwrap();
            }
        }
        connection
    }

    fn selects(tags: &[i64], types: &[i64], bounds: Bounds) -> Vec<PositionSelect> {
        let mut selects = Vec::new();
        let item = ResolvedItem { tags: tags.to_vec(), types: types.to_vec() };
        item.push_selects(&log(), bounds, &mut selects).unwrap();
        selects
    }

    /// The term or type whose rows are walked is the first parameter.
    fn driver(select: &PositionSelect) -> (&str, i64) {
        let table = if select.sql.contains("FROM posting p") { "posting" } else { "event" };
        (table, select.parameters[0])
    }

    #[test]
    fn the_rarest_part_drives() {
        let cases = [
            (&[1, 2][..], &[][..], ("posting", 2)),
            (&[2, 1], &[1], ("posting", 2)),
            (&[1], &[2], ("event", 2)),
            (&[1], &[1], ("posting", 1)),
            (&[1], &[], ("posting", 1)),
        ];
        for (tags, types, expected) in cases {
            let selects = selects(tags, types, BOUNDS);
            assert_eq!(
                selects.iter().map(driver).collect::<Vec<_>>(),
                [expected],
                "{tags:?} {types:?}"
            );
        }
    }

    #[test]
    fn types_alone_get_a_select_each() {
        let selects = selects(&[], &[1, 2], BOUNDS);
        assert_eq!(selects.iter().map(driver).collect::<Vec<_>>(), [("event", 1), ("event", 2)]);
    }

    #[test]
    fn a_part_without_rows_ends_the_item() {
        assert!(selects(&[1, 3], &[], BOUNDS).is_empty());
        assert!(selects(&[1], &[3], BOUNDS).is_empty());
        assert!(selects(&[1, 2], &[], Bounds { low: 0, high: 1_999 }).is_empty());
    }

    #[test]
    fn a_short_range_is_not_weighed() {
        let near_the_head = Bounds { low: BOUNDS.high - SHORT_RANGE, high: BOUNDS.high };
        let selects = selects(&[1, 2], &[2], near_the_head);
        assert_eq!(selects.iter().map(driver).collect::<Vec<_>>(), [("posting", 1)]);
    }
}
