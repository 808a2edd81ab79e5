use factos_consumer::port::{ConsumerId, Decision, PortError, Selection};
use sqlx::PgConnection;

use super::{
    condition::{EQ, NOW, of_consumer},
    division::Division,
    key_order::refresh,
    literal::{Text, number},
    parked::is_of_key,
    row::keys,
    session::Operation,
    statement::{execute, fetch, fetch_optional},
    tables::{Tables, check_format},
};

/// Carries out what an administrator has decided.
#[derive(Debug)]
pub(super) struct Decide<'a> {
    pub(super) consumer: &'a ConsumerId,
    pub(super) selection: &'a Selection,
    pub(super) decision: &'a Decision,
}

impl Operation for Decide<'_> {
    type Output = u64;

    async fn run(self, connection: &mut PgConnection, tables: &Tables) -> Result<u64, PortError> {
        let id = self.consumer;
        check_format(connection, tables).await?;
        // A version that hands over what it has has none left.
        let lock = format!(
            "SELECT true FROM {} c WHERE {} FOR SHARE",
            tables.consumer,
            of_consumer("c", id)
        );
        if fetch_optional(connection, lock).await?.is_none() {
            return Err(PortError::Unknown(id.clone()));
        }
        // Steps park events, which would not know of one that is skipped meanwhile.
        Division::lock(connection, tables, &id.name, &[id.version]).await?;
        let (is_meant, most) = self.is_meant();
        let (parked, is_it) = (&tables.parked, of_consumer("k", id));
        let set = match self.decision {
            Decision::Retry => format!("retry_at = {NOW}"),
            Decision::Skip(reason) => format!("skipped = {}, is_first = false", Text(reason)),
        };
        let sql = format!(
            "UPDATE {parked} k SET {set} WHERE {is_it} AND k.position {EQ} ANY (ARRAY(
               SELECT k.position FROM {parked} k WHERE {is_it} AND k.skipped IS NULL AND {is_meant}
               ORDER BY k.position LIMIT {most}))"
        );
        if !self.leaves_others_of_a_key() {
            return execute(connection, sql).await;
        }
        let skipped = fetch(connection, sql + " RETURNING k.key").await?;
        let keys = keys(&skipped)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        refresh(connection, tables, id, &keys).await?;
        Ok(skipped.len() as u64)
    }
}

impl Decide<'_> {
    /// Whether another event of a key may become the first one.
    const fn leaves_others_of_a_key(&self) -> bool {
        let is_part = matches!(self.selection, Selection::At(_) | Selection::First(_));
        is_part && matches!(self.decision, Decision::Skip(_))
    }

    /// The condition on the events that are meant, and how many of them at most.
    fn is_meant(&self) -> (String, String) {
        let all = "ALL".to_owned();
        match self.selection {
            Selection::At(position) => (format!("k.position {EQ} {}", number(*position)), all),
            Selection::OfKey(key) => (is_of_key(key), all),
            Selection::First(most) => ("true".to_owned(), most.to_string()),
            Selection::All => ("true".to_owned(), all),
        }
    }
}
