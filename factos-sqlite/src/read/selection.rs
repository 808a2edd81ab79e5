//! The SQL of one page of a read.

use factos::{Page, ReadCursor, backend::Selection};
use rusqlite::{Connection, ToSql, params_from_iter};

use crate::{
    log::{
        dictionary::Dictionary,
        position_select::{Bounds, PositionSelect, chunks, compound, parameters},
        query_plan::QueryPlan,
    },
    wire::row::{COLUMNS, RowError, Rows},
};

/// About the most payload bytes of one page.
const PAGE_BYTES: usize = 4 << 20;

/// Room for the records of most contexts.
const FIRST_RECORDS: usize = 16;

/// The records of one page, at most `most`, in reading order, and whether there may be more after them.
pub(crate) fn select_page(
    connection: &Connection,
    dictionary: &mut Dictionary,
    rows: &mut Rows,
    selection: &Selection,
    cursor: &ReadCursor,
    most: usize,
) -> Result<(Page, bool), RowError> {
    let bounds = Bounds::new(cursor.low(), cursor.high());
    let plan = QueryPlan::of_selection(connection, dictionary, selection, bounds)?;
    let is_backwards = cursor.is_backwards();
    PageSelect { connection, rows, is_backwards, most }.run(&plan, bounds)
}

struct PageSelect<'a> {
    connection: &'a Connection,
    rows: &'a mut Rows,
    is_backwards: bool,
    most: usize,
}

impl PageSelect<'_> {
    fn run(&mut self, plan: &QueryPlan, bounds: Bounds) -> Result<(Page, bool), RowError> {
        match plan {
            QueryPlan::Everything => self.everything(bounds),
            QueryPlan::AnyOf(selects) => match chunks(selects)[..] {
                [] => Ok((Page::new(), false)),
                [selects] => self.any_of(selects),
                ref chunks => self.any_of_chunks(chunks),
            },
        }
    }

    fn everything(&mut self, Bounds { low, high }: Bounds) -> Result<(Page, bool), RowError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM event e WHERE e.position > ? AND e.position <= ?
             ORDER BY e.position {} LIMIT ?",
            self.direction()
        );
        self.records(&sql, [low, high, self.limit()], self.most)
    }

    /// One statement. `ORDER BY` and `LIMIT` inside the compound make SQLite merge the SELECTs and stop
    /// early; a join with `IN` would sort all their positions.
    fn any_of(&mut self, selects: &[PositionSelect]) -> Result<(Page, bool), RowError> {
        let direction = self.direction();
        let sql = format!(
            "SELECT {COLUMNS} FROM ({} ORDER BY 1 {direction} LIMIT ?) q
             CROSS JOIN event e ON e.position = q.position ORDER BY q.position {direction}",
            compound(selects, " UNION ")
        );
        self.records(&sql, parameters(selects).chain([self.limit()]), self.most)
    }

    /// More SELECTs than one statement holds: their positions are merged here.
    fn any_of_chunks(&mut self, chunks: &[&[PositionSelect]]) -> Result<(Page, bool), RowError> {
        let mut positions: Vec<i64> = Vec::new();
        for selects in chunks {
            let compound = compound(selects, " UNION ");
            let sql = format!("{compound} ORDER BY 1 {} LIMIT ?", self.direction());
            let mut statement = self.connection.prepare_cached(&sql)?;
            let parameters = parameters(selects).chain([self.limit()]);
            let rows = statement.query_map(params_from_iter(parameters), |row| row.get(0))?;
            positions.extend(rows.collect::<Result<Vec<i64>, _>>()?);
        }
        positions.sort_unstable();
        positions.dedup();
        if self.is_backwards {
            positions.reverse();
        }
        positions.truncate(self.most);
        let sql = format!("SELECT {COLUMNS} FROM event e WHERE e.position = ?");
        let mut page = Page::new();
        let mut bytes = 0;
        for position in &positions {
            let (mut records, _) = self.records(&sql, [position], 1)?;
            bytes += records.iter().map(|record| record.event.len()).sum::<usize>();
            page.append(&mut records);
            if bytes >= PAGE_BYTES {
                return Ok((page, true));
            }
        }
        Ok((page, positions.len() == self.most))
    }

    fn records(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item: ToSql>,
        most: usize,
    ) -> Result<(Page, bool), RowError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(parameters))?;
        let mut records = Vec::with_capacity(most.min(FIRST_RECORDS));
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let record = self.rows.record(self.connection, row)?;
            bytes += record.event.len();
            records.push(record);
            if bytes >= PAGE_BYTES {
                return Ok((records, true));
            }
        }
        let is_full = records.len() >= most;
        Ok((records, is_full))
    }

    const fn direction(&self) -> &'static str {
        if self.is_backwards { "DESC" } else { "ASC" }
    }

    fn limit(&self) -> i64 {
        i64::try_from(self.most).unwrap_or(i64::MAX)
    }
}
