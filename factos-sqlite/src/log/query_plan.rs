//! A query as SQL: one arm per item, driven by its rarest part. An arm selects positions.

use factos::{Query, QueryItem};
use rusqlite::{Connection, params_from_iter};

use crate::log::dictionary::{Kind, Terms};

/// Positions above `low`, up to and with `high`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// One SELECT of a column `position`, in no order, without duplicates.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<i64>,
}

/// What a query comes to in this file.
#[derive(Debug, Clone)]
pub(crate) enum Arms {
    /// Every position in the bounds.
    All,
    /// The positions of any of the arms; none at all if there is no arm.
    Any(Vec<Arm>),
}

/// A range this short is read off one tag without weighing the others.
const SHORT: i64 = 256;

/// A row found by type probes the postings of each tag, a row found by tag compares a number.
const TYPE_ROW_COST: i64 = 8;

/// How many rows of a list are counted at first, and by how much more when that settles nothing.
const FIRST_COUNT: i64 = 64;
const MORE: i64 = 16;

/// The arms of a query.
pub(crate) fn of_query(
    connection: &Connection,
    terms: &mut Terms,
    query: &Query,
    bounds: Bounds,
) -> rusqlite::Result<Arms> {
    let Some(items) = query.items() else { return Ok(Arms::All) };
    let mut arms = Vec::with_capacity(items.len());
    for item in items {
        if let Some(part) = Part::resolve(connection, terms, item)? {
            part.push_arms(connection, bounds, &mut arms)?;
        }
    }
    Ok(Arms::Any(arms))
}

/// The arm of everything that carries one term.
pub(crate) fn of_term(term: i64, bounds: Bounds) -> Arm {
    tag_arm(&[term], &[], bounds)
}

/// An item with its names resolved. No types: any type.
struct Part {
    tags: Vec<i64>,
    types: Vec<i64>,
}

enum Driver {
    Tag(usize),
    Types,
    /// One part has no rows in the bounds, so the item has none.
    Nothing,
}

impl Part {
    /// None if a name that the item needs is not in the file: then it matches nothing.
    fn resolve(
        connection: &Connection,
        terms: &mut Terms,
        item: &QueryItem,
    ) -> rusqlite::Result<Option<Self>> {
        let mut types = Vec::with_capacity(item.types().len());
        for name in item.types() {
            types.extend(terms.find(connection, Kind::Type, name.as_str())?);
        }
        if types.is_empty() && item.types().len() > 0 {
            return Ok(None);
        }
        let mut tags = Vec::new();
        for tag in item.tags().iter() {
            match terms.find(connection, Kind::Tag, tag)? {
                Some(id) => tags.push(id),
                None => return Ok(None),
            }
        }
        Ok(Some(Self { tags, types }))
    }

    fn push_arms(
        mut self,
        connection: &Connection,
        bounds: Bounds,
        arms: &mut Vec<Arm>,
    ) -> rusqlite::Result<()> {
        match self.driver(connection, bounds)? {
            Driver::Nothing => {}
            Driver::Tag(rarest) => {
                self.tags.swap(0, rarest);
                arms.push(tag_arm(&self.tags, &self.types, bounds));
            }
            Driver::Types => {
                arms.extend(self.types.iter().map(|id| type_arm(*id, &self.tags, bounds)));
            }
        }
        Ok(())
    }

    fn driver(&self, connection: &Connection, bounds: Bounds) -> rusqlite::Result<Driver> {
        if self.tags.is_empty() {
            return Ok(Driver::Types);
        }
        let only = self.tags.len() == 1 && self.types.is_empty();
        if only || bounds.high.saturating_sub(bounds.low) <= SHORT {
            return Ok(Driver::Tag(0));
        }
        let mut most = FIRST_COUNT;
        loop {
            if let Some(driver) = self.rarest(connection, bounds, most)? {
                return Ok(driver);
            }
            most = most.saturating_mul(MORE);
        }
    }

    /// The part with the least rows to look at, if one has less than `most`.
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
        let settled = least.1.is_some() && least.0 < FIRST_COUNT;
        if self.types.is_empty() || settled {
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

const COUNT_TAG: &str = "SELECT count(*) FROM (SELECT 1 FROM posting
     WHERE term = ?1 AND position > ?2 AND position <= ?3 LIMIT ?4)";
const COUNT_TYPE: &str = "SELECT count(*) FROM (SELECT 1 FROM event
     WHERE type = ?1 AND position > ?2 AND position <= ?3 LIMIT ?4)";

/// The rows of one part, counted up to `most`.
fn count(
    connection: &Connection,
    sql: &str,
    id: i64,
    Bounds { low, high }: Bounds,
    most: i64,
) -> rusqlite::Result<i64> {
    connection.prepare_cached(sql)?.query_row([id, low, high, most], |row| row.get(0))
}

/// Driven by the first tag.
fn tag_arm(tags: &[i64], types: &[i64], Bounds { low, high }: Bounds) -> Arm {
    let mut sql = String::from(
        "SELECT p.position AS position FROM posting p \
         WHERE p.term = ? AND p.position > ? AND p.position <= ?",
    );
    let (driver, others) = tags.split_at(1);
    let mut parameters = [driver, &[low, high], types, others].concat();
    if let [_, more @ ..] = types {
        sql.push_str(" AND p.type IN (?");
        more.iter().for_each(|_| sql.push_str(", ?"));
        sql.push(')');
    }
    others.iter().for_each(|_| sql.push_str(&carries("p")));
    parameters.shrink_to_fit();
    Arm { sql, parameters }
}

/// Driven by one type.
fn type_arm(id: i64, tags: &[i64], Bounds { low, high }: Bounds) -> Arm {
    let mut sql = String::from(
        "SELECT e.position AS position FROM event e \
         WHERE e.type = ? AND e.position > ? AND e.position <= ?",
    );
    tags.iter().for_each(|_| sql.push_str(&carries("e")));
    Arm { sql, parameters: [&[id, low, high], tags].concat() }
}

fn carries(row: &str) -> String {
    format!(
        " AND EXISTS (SELECT 1 FROM posting x WHERE x.term = ? AND x.position = {row}.position)"
    )
}

/// The most arms and parameters of one statement: SQLite takes 500 and 32,766.
const ARMS: usize = 100;
const PARAMETERS: usize = 30_000;

/// The arms in pieces that one statement can hold.
pub(crate) fn chunks(arms: &[Arm]) -> Vec<&[Arm]> {
    let mut chunks = Vec::with_capacity(1);
    let mut rest = arms;
    while !rest.is_empty() {
        let mut parameters = 0;
        let fitting = rest.iter().take(ARMS).take_while(|arm| {
            parameters += arm.parameters.len();
            parameters <= PARAMETERS
        });
        // An arm that is too large on its own is left to SQLite, which says so.
        let (chunk, more) = rest.split_at(fitting.count().max(1));
        chunks.push(chunk);
        rest = more;
    }
    chunks
}

/// The arms' SQL put together.
pub(crate) fn compound(arms: &[Arm], operator: &str) -> String {
    arms.iter().map(|arm| arm.sql.as_str()).collect::<Vec<_>>().join(operator)
}

/// The arms' parameters, in the order of [`compound`].
pub(crate) fn parameters(arms: &[Arm]) -> impl Iterator<Item = i64> {
    arms.iter().flat_map(|arm| arm.parameters.iter().copied())
}

/// One position of any arm, if there is one.
pub(crate) fn any_position(connection: &Connection, arms: &[Arm]) -> rusqlite::Result<Option<i64>> {
    for chunk in chunks(arms) {
        let sql = format!("SELECT position FROM ({}) LIMIT 1", compound(chunk, " UNION ALL "));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(parameters(chunk)))?;
        if let Some(row) = rows.next()? {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
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

    fn arms(tags: &[i64], types: &[i64], bounds: Bounds) -> Vec<Arm> {
        let mut arms = Vec::new();
        let part = Part { tags: tags.to_vec(), types: types.to_vec() };
        part.push_arms(&log(), bounds, &mut arms).unwrap();
        arms
    }

    /// The term or type that drives an arm is its first parameter.
    fn driver(arm: &Arm) -> (&str, i64) {
        let table = if arm.sql.contains("FROM posting p") { "posting" } else { "event" };
        (table, arm.parameters[0])
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
            let arms = arms(tags, types, BOUNDS);
            assert_eq!(
                arms.iter().map(driver).collect::<Vec<_>>(),
                [expected],
                "{tags:?} {types:?}"
            );
        }
    }

    #[test]
    fn types_alone_get_an_arm_each() {
        let arms = arms(&[], &[1, 2], BOUNDS);
        assert_eq!(arms.iter().map(driver).collect::<Vec<_>>(), [("event", 1), ("event", 2)]);
    }

    #[test]
    fn a_part_without_rows_ends_the_item() {
        assert!(arms(&[1, 3], &[], BOUNDS).is_empty());
        assert!(arms(&[1], &[3], BOUNDS).is_empty());
        assert!(arms(&[1, 2], &[], Bounds { low: 0, high: 1_999 }).is_empty());
    }

    #[test]
    fn a_short_range_is_not_weighed() {
        let near_the_head = Bounds { low: BOUNDS.high - SHORT, high: BOUNDS.high };
        let arms = arms(&[1, 2], &[2], near_the_head);
        assert_eq!(arms.iter().map(driver).collect::<Vec<_>>(), [("posting", 1)]);
    }

    #[test]
    fn chunks_hold_every_arm_once_and_no_more_than_a_statement_takes() {
        let arm = |parameters| Arm { sql: String::new(), parameters: vec![0; parameters] };
        let arms: Vec<_> =
            (0..250).map(|n| arm(if n == 7 { PARAMETERS + 1 } else { 200 })).collect();
        let chunks = chunks(&arms);
        assert_eq!(chunks.iter().map(|chunk| chunk.len()).sum::<usize>(), arms.len());
        for chunk in chunks {
            let parameters = parameters(chunk).count();
            assert!(chunk.len() <= ARMS && (parameters <= PARAMETERS || chunk.len() == 1));
        }
    }
}
