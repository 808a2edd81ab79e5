//! SELECTs of positions, and how many of them fit into one statement.

use rusqlite::{Connection, params_from_iter};

use crate::wire::number::signed;

/// Positions above `low`, up to and with `high`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// One SELECT of a column `position`, in no order, without duplicates.
#[derive(Debug, Clone)]
pub(crate) struct PositionSelect {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<i64>,
}

/// The most SELECTs and parameters of one statement: SQLite takes 500 and 32,766.
const MAX_SELECTS: usize = 100;
const MAX_PARAMETERS: usize = 30_000;

impl Bounds {
    pub(crate) fn new(low: u64, high: u64) -> Self {
        Self { low: signed(low), high: signed(high) }
    }
}

impl PositionSelect {
    /// Walks the postings of the first term; the events have the other terms too, and one of the types if
    /// there are any.
    pub(crate) fn by_term(terms: &[i64], types: &[i64], Bounds { low, high }: Bounds) -> Self {
        let mut sql = String::from(
            "SELECT p.position AS position FROM posting p \
             WHERE p.term = ? AND p.position > ? AND p.position <= ?",
        );
        let (driver, others) = terms.split_at(1);
        let mut parameters = [driver, &[low, high], types, others].concat();
        if let [_, more @ ..] = types {
            sql.push_str(" AND p.type IN (?");
            more.iter().for_each(|_| sql.push_str(", ?"));
            sql.push(')');
        }
        others.iter().for_each(|_| sql.push_str(&carries("p")));
        parameters.shrink_to_fit();
        Self { sql, parameters }
    }

    /// Walks the events of a type; they have all the terms.
    pub(crate) fn by_type(id: i64, terms: &[i64], Bounds { low, high }: Bounds) -> Self {
        let mut sql = String::from(
            "SELECT e.position AS position FROM event e \
             WHERE e.type = ? AND e.position > ? AND e.position <= ?",
        );
        terms.iter().for_each(|_| sql.push_str(&carries("e")));
        Self { sql, parameters: [&[id, low, high], terms].concat() }
    }
}

/// One position of any SELECT, if there is one.
pub(crate) fn any_position(
    connection: &Connection,
    selects: &[PositionSelect],
) -> rusqlite::Result<Option<i64>> {
    for chunk in chunks(selects) {
        let sql = format!("SELECT position FROM ({}) LIMIT 1", compound(chunk, " UNION ALL "));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(parameters(chunk)))?;
        if let Some(row) = rows.next()? {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}

/// The SELECTs in chunks that fit into one statement each.
pub(crate) fn chunks(selects: &[PositionSelect]) -> Vec<&[PositionSelect]> {
    let mut chunks = Vec::with_capacity(1);
    let mut rest = selects;
    while !rest.is_empty() {
        let mut parameters = 0;
        let fitting = rest.iter().take(MAX_SELECTS).take_while(|select| {
            parameters += select.parameters.len();
            parameters <= MAX_PARAMETERS
        });
        // A single SELECT that is too large is left to SQLite, which refuses it.
        let (chunk, more) = rest.split_at(fitting.count().max(1));
        chunks.push(chunk);
        rest = more;
    }
    chunks
}

/// The SELECTs joined by an operator.
pub(crate) fn compound(selects: &[PositionSelect], operator: &str) -> String {
    selects.iter().map(|select| select.sql.as_str()).collect::<Vec<_>>().join(operator)
}

/// The parameters of the SELECTs, in the order of [`compound`].
pub(crate) fn parameters(selects: &[PositionSelect]) -> impl Iterator<Item = i64> {
    selects.iter().flat_map(|select| select.parameters.iter().copied())
}

fn carries(row: &str) -> String {
    format!(
        " AND EXISTS (SELECT 1 FROM posting x WHERE x.term = ? AND x.position = {row}.position)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_every_select_once_and_no_more_than_a_statement_takes() {
        let select =
            |parameters| PositionSelect { sql: String::new(), parameters: vec![0; parameters] };
        let selects: Vec<_> =
            (0..250).map(|n| select(if n == 7 { MAX_PARAMETERS + 1 } else { 200 })).collect();
        let chunks = chunks(&selects);
        assert_eq!(chunks.iter().map(|chunk| chunk.len()).sum::<usize>(), selects.len());
        for chunk in chunks {
            let parameters = parameters(chunk).count();
            assert!(
                chunk.len() <= MAX_SELECTS && (parameters <= MAX_PARAMETERS || chunk.len() == 1)
            );
        }
    }
}
