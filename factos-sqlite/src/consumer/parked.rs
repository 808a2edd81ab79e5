//! Parked events: which there are, and what an administrator decides about them.

use std::time::Duration;

use factos_consumer::port::{
    ConsumerId, Decision, Parked, ParkedCount, ParkedQuery, PartitionId, PortError, Selection,
};
use rusqlite::{ToSql, params};

use super::{
    clock::{duration, now},
    row::{parked, parked_columns, unsigned},
    tables::Tables,
};
use crate::wire::number;

const NEXT_RETRY: &str = concat!(
    "SELECT retry_at - ",
    now!(),
    " FROM factos_consumer_parked INDEXED BY factos_consumer_parked_first \
     WHERE name = ?1 AND version = ?2 AND skipped IS NULL AND waits = 0 AND retry_at IS NOT NULL \
     ORDER BY retry_at LIMIT 1"
);
const BLOCKED: &str = "SELECT DISTINCT key \
     FROM factos_consumer_parked INDEXED BY factos_consumer_parked_first \
     WHERE name = ?1 AND version = ?2 AND skipped IS NULL AND waits = 0 AND key IS NOT NULL \
       AND slot % ?4 = ?3 ORDER BY key";
const LISTED: &str = concat!(
    "SELECT ",
    parked_columns!(),
    " FROM factos_consumer_parked WHERE name = ?1 AND version = ?2 AND position > ?3 \
     ORDER BY position LIMIT ?4"
);
const DUE: &str = concat!(
    "SELECT ",
    parked_columns!(),
    " FROM factos_consumer_parked INDEXED BY factos_consumer_parked_first \
     WHERE name = ?1 AND version = ?2 AND skipped IS NULL AND waits = 0 AND retry_at <= ",
    now!(),
    " AND slot % ?4 = ?3 ORDER BY position LIMIT ?5"
);
/// The same by the events in order, of which many are due.
const DUE_IN_ORDER: &str = concat!(
    "SELECT ",
    parked_columns!(),
    " FROM factos_consumer_parked INDEXED BY factos_consumer_parked_open \
     WHERE name = ?1 AND version = ?2 AND skipped IS NULL AND waits = 0 AND retry_at <= ",
    now!(),
    " AND slot % ?4 = ?3 ORDER BY position LIMIT ?5"
);
/// Whether so many are due that the first ones are found sooner in order.
const MANY_ARE_DUE: &str = concat!(
    "SELECT count(*) = 1000 FROM (SELECT 1 \
     FROM factos_consumer_parked INDEXED BY factos_consumer_parked_first \
     WHERE name = ?1 AND version = ?2 AND skipped IS NULL AND waits = 0 AND retry_at <= ",
    now!(),
    " LIMIT 1000)"
);
const OF_KEY: &str = concat!(
    "SELECT ",
    parked_columns!(),
    " FROM factos_consumer_parked INDEXED BY factos_consumer_parked_key \
     WHERE name = ?1 AND version = ?2 AND key = ?3 AND skipped IS NULL ORDER BY position LIMIT ?4"
);
const COUNT: &str = "SELECT count(retry_at), count(*) - count(retry_at) \
     FROM factos_consumer_parked INDEXED BY factos_consumer_parked_open \
     WHERE name = ?1 AND version = ?2 AND skipped IS NULL";
const COUNT_SKIPPED: &str = "SELECT count(*) \
     FROM factos_consumer_parked INDEXED BY factos_consumer_parked_skipped \
     WHERE name = ?1 AND version = ?2 AND skipped IS NOT NULL";

impl Tables<'_> {
    /// In how long the next parked event is to be tried again. Those that wait behind others are not.
    pub(super) fn next_retry(&self, id: &ConsumerId) -> Result<Option<Duration>, PortError> {
        let next = self.one(&of(id), NEXT_RETRY, (&id.name, id.version), |row| row.get(0))?;
        Ok(next.map(duration))
    }

    /// The keys of a partition that later events wait behind.
    pub(super) fn blocked(
        &self,
        partition: &PartitionId,
        partitions: u32,
    ) -> Result<Vec<String>, PortError> {
        let PartitionId { consumer: id, number } = partition;
        let key = (&id.name, id.version, number, partitions.max(1));
        self.all(&of(id), BLOCKED, key, |row| row.get(0))
    }

    pub(super) fn parked(&self, query: &ParkedQuery, most: u32) -> Result<Vec<Parked>, PortError> {
        let id = query.consumer();
        let (name, version) = (&id.name, id.version);
        match query {
            ParkedQuery::Listed { after, .. } => {
                let after = after.map_or(0, |after| number::signed(after.get()));
                self.parked_rows(id, LISTED, params![name, version, after, most])
            }
            ParkedQuery::Due { partition: PartitionId { number, .. }, partitions } => {
                let partitions = (*partitions).max(1);
                let are_many =
                    self.one(&of(id), MANY_ARE_DUE, (name, version), |row| row.get(0))?;
                let due = if are_many == Some(true) { DUE_IN_ORDER } else { DUE };
                self.parked_rows(id, due, params![name, version, number, partitions, most])
            }
            ParkedQuery::OfKey { key, .. } => {
                self.parked_rows(id, OF_KEY, params![name, version, key, most])
            }
        }
    }

    fn parked_rows(
        &self,
        id: &ConsumerId,
        sql: &str,
        parameters: &[&dyn ToSql],
    ) -> Result<Vec<Parked>, PortError> {
        self.all(&of(id), sql, parameters, |row| parked(row, id))
    }

    pub(super) fn count_parked(&self, id: &ConsumerId) -> Result<ParkedCount, PortError> {
        let key = (&id.name, id.version);
        let waiting =
            self.one(&of(id), COUNT, key, |row| Ok((unsigned(row, 0)?, unsigned(row, 1)?)))?;
        let skipped = self.one(&of(id), COUNT_SKIPPED, key, |row| unsigned(row, 0))?;
        let (waiting, dead) = waiting.unwrap_or_default();
        Ok(ParkedCount { waiting, dead, skipped: skipped.unwrap_or_default() })
    }

    /// Carries out a decision; for how many events.
    pub(super) fn decide(
        &self,
        id: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> Result<u64, PortError> {
        self.known(id)?;
        let meant = Meant::of(selection);
        let parameter = &meant.parameter;
        // The next event of each of these keys may be the first one then.
        let mut keys: Vec<String> = match (decision, selection) {
            (Decision::Skip(_), Selection::At(_) | Selection::First(_)) => {
                let key = params![id.name, id.version, parameter];
                self.all(&of(id), &keys_sql(&meant), key, |row| row.get(0))?
            }
            _ => Vec::new(),
        };
        let sql = decision_sql(decision, &meant);
        let count = match decision {
            Decision::Retry => self.change(&sql, params![id.name, id.version, parameter])?,
            Decision::Skip(reason) => {
                self.change(&sql, params![id.name, id.version, parameter, reason])?
            }
        };
        keys.sort_unstable();
        keys.dedup();
        keys.iter().try_for_each(|key| self.unblock(id, key))?;
        Ok(count as u64)
    }
}

fn keys_sql(meant: &Meant) -> String {
    let Meant { index, terms, .. } = meant;
    format!(
        "SELECT key FROM factos_consumer_parked {index} \
         WHERE name = ?1 AND version = ?2 AND key IS NOT NULL AND {terms}"
    )
}

fn decision_sql(decision: &Decision, meant: &Meant) -> String {
    let Meant { index, terms, .. } = meant;
    let change = match decision {
        Decision::Retry => concat!("retry_at = ", now!()),
        Decision::Skip(_) => "skipped = ?4",
    };
    format!(
        "UPDATE factos_consumer_parked {index} SET {change} \
         WHERE name = ?1 AND version = ?2 AND {terms} /* of the consumers */"
    )
}

/// All of this file.
#[cfg(test)]
pub(super) fn statements() -> Vec<String> {
    let fixed = [
        NEXT_RETRY,
        BLOCKED,
        LISTED,
        DUE,
        DUE_IN_ORDER,
        MANY_ARE_DUE,
        OF_KEY,
        COUNT,
        COUNT_SKIPPED,
    ];
    let position = factos::SequencePosition::new(1).unwrap();
    let selections = [
        Selection::At(position),
        Selection::OfKey(String::new()),
        Selection::First(1),
        Selection::All,
    ];
    let of_selections = selections.iter().flat_map(|selection| {
        let meant = Meant::of(selection);
        let skip = Decision::Skip(String::new());
        [keys_sql(&meant), decision_sql(&Decision::Retry, &meant), decision_sql(&skip, &meant)]
    });
    fixed.map(str::to_owned).into_iter().chain(of_selections).collect()
}

fn of(id: &ConsumerId) -> String {
    format!("factos_consumer_parked, {id}")
}

/// Which events are meant: what must hold of them, with the third parameter, and the index that finds them.
struct Meant {
    index: &'static str,
    terms: &'static str,
    parameter: Box<dyn ToSql>,
}

impl Meant {
    fn of(selection: &Selection) -> Self {
        let (index, terms, parameter): (_, _, Box<dyn ToSql>) = match selection {
            Selection::At(position) => {
                let position = number::signed(position.get());
                ("", "skipped IS NULL AND position = ?3", Box::new(position))
            }
            Selection::OfKey(key) => (
                "INDEXED BY factos_consumer_parked_key",
                "skipped IS NULL AND key = ?3",
                Box::new(key.clone()),
            ),
            Selection::First(most) => (
                "",
                "skipped IS NULL AND position IN (SELECT position \
                 FROM factos_consumer_parked INDEXED BY factos_consumer_parked_open \
                 WHERE name = ?1 AND version = ?2 AND skipped IS NULL \
                 ORDER BY position LIMIT ?3)",
                Box::new(*most),
            ),
            // The parameter is there, whatever it is.
            Selection::All => ("", "skipped IS NULL AND ?3", Box::new(true)),
        };
        Self { index, terms, parameter }
    }
}
