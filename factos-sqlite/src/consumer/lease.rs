//! Who works on what.

use factos_consumer::port::{
    Beat, ConsumerId, ConsumerState, Grant, LiveProcess, PartitionId, PortError, ProcessId,
    Snapshot, Token, Until,
};
use rusqlite::params;

use super::{
    clock::{is_leased, milliseconds, now},
    division::Names,
    error::damaged,
    row::{anchor, nonsense, unsigned},
    tables::Tables,
};

const RENEW: &str = concat!(
    "UPDATE factos_consumer_partition SET leased_at = ",
    now!(),
    ", leased_for = ?5 WHERE name = ?1 AND version = ?2 AND number = ?3 AND token = ?4 \
     /* of the consumers */"
);
const SEE: &str = concat!(
    "INSERT INTO factos_consumer_process VALUES (?1, ?2, ",
    now!(),
    ", ?3) ON CONFLICT (process) DO UPDATE SET serves = excluded.serves, \
       seen_at = excluded.seen_at, alive_for = excluded.alive_for /* of the consumers */"
);
/// One that was seen later than now is from before the clock was set back.
const FORGET: &str = concat!(
    "DELETE FROM factos_consumer_process WHERE NOT (seen_at <= ",
    now!(),
    " AND ",
    now!(),
    " - seen_at < alive_for) /* of the consumers */"
);
const PROCESSES: &str = "SELECT process, serves FROM factos_consumer_process ORDER BY process";
const LAST_TOKEN: &str = "SELECT last_token FROM factos_consumer_format";
const KEEP_TOKEN: &str = "UPDATE factos_consumer_format SET last_token = ?1 /* of the consumers */";
const ACQUIRE: &str = concat!(
    "UPDATE factos_consumer_partition SET owner = ?4, token = ?5, leased_at = ",
    now!(),
    ", leased_for = ?6 WHERE name = ?1 AND version = ?2 AND number = ?3 AND ",
    is_leased!(),
    " IS NOT TRUE /* of the consumers */"
);
const IS_LEASED: &str = concat!(
    "SELECT ",
    is_leased!(),
    " IS TRUE FROM factos_consumer_partition WHERE name = ?1 AND version = ?2 AND number = ?3"
);
const ANCHOR: &str = "SELECT log_id, position, event_id FROM factos_consumer_partition \
     WHERE name = ?1 AND version = ?2 AND number = ?3";
const RELEASE: &str = "UPDATE factos_consumer_partition \
     SET owner = NULL, token = NULL, leased_at = NULL, leased_for = NULL \
     WHERE name = ?1 AND version = ?2 AND number = ?3 AND token = ?4 /* of the consumers */";
const REPORT: &str = "UPDATE factos_consumer_partition SET error = ?5 \
     WHERE name = ?1 AND version = ?2 AND number = ?3 AND token = ?4 /* of the consumers */";
const LEAVE: &str = "UPDATE factos_consumer_partition \
     SET owner = NULL, token = NULL, leased_at = NULL, leased_for = NULL \
     WHERE owner = ?1 /* of the consumers */";
const END: &str = "DELETE FROM factos_consumer_process WHERE process = ?1 /* of the consumers */";

impl Tables<'_> {
    pub(super) fn beat(&self, beat: &Beat) -> Result<Snapshot, PortError> {
        let lease = milliseconds(beat.lease);
        let mut lost = Vec::new();
        for (id, token) in &beat.held {
            let row = (&id.consumer.name, id.consumer.version, id.number, signed(*token), lease);
            if self.change(RENEW, row)? == 0 {
                lost.push(id.clone());
            }
        }
        self.change(SEE, (&beat.process.0, serves_text(&beat.serves), lease))?;
        self.change(FORGET, ())?;
        self.finish(Names::Of(&beat.serves))?;
        let processes = self.live_processes()?;
        let mut consumers = Vec::with_capacity(beat.serves.len());
        for id in &beat.serves {
            consumers.extend(self.consumer_row(id)?);
        }
        consumers.retain(|row| row.state != ConsumerState::Retired);
        Ok(Snapshot { processes, consumers, lost })
    }

    fn live_processes(&self) -> Result<Vec<LiveProcess>, PortError> {
        self.all(&"factos_consumer_process", PROCESSES, (), |row| {
            let serves = serves(&row.get::<_, String>(1)?).ok_or_else(|| nonsense(1))?;
            Ok(LiveProcess { process: ProcessId(row.get(0)?), serves })
        })
    }

    pub(super) fn acquire(
        &self,
        process: &ProcessId,
        partition: &PartitionId,
        lease: i64,
    ) -> Result<Option<Grant>, PortError> {
        let PartitionId { consumer: id, number } = partition;
        // Looked at first: a lease that runs out meanwhile must not be granted on without what waits for its end.
        let is_leased = self.is_leased(partition)?;
        self.finish(Names::One(&id.name))?;
        let Some(consumer) = self.consumer(id)? else { return Ok(None) };
        if is_leased || consumer.state == ConsumerState::Retired {
            return Ok(None);
        }
        let token = self.next_token()?;
        let row = params![id.name, id.version, number, process.0, signed(token), lease];
        if self.change(ACQUIRE, row)? == 0 {
            return Ok(None);
        }
        self.change(KEEP_TOKEN, [signed(token)])?;
        let partitions = self.partition_count(id)?;
        let anchor =
            self.one(partition, ANCHOR, (&id.name, id.version, number), |row| anchor(row, 0))?;
        let blocked = self.blocked(partition, partitions)?;
        let resize = consumer.resize.map(|resize| Until(resize.until));
        Ok(Some(Grant { token, partitions, anchor: anchor.flatten(), resize, blocked }))
    }

    fn is_leased(&self, partition: &PartitionId) -> Result<bool, PortError> {
        let PartitionId { consumer: id, number } = partition;
        let key = (&id.name, id.version, number);
        let is_leased = self.one(partition, IS_LEASED, key, |row| row.get(0))?;
        Ok(is_leased.unwrap_or(false))
    }

    fn next_token(&self) -> Result<Token, PortError> {
        let what = "factos_consumer_format";
        let last = self.one(&what, LAST_TOKEN, (), |row| unsigned(row, 0))?;
        let next = last.map(|last| last + 1).filter(|next| *next < 1 << 63);
        next.map(Token).ok_or_else(|| damaged(&what))
    }

    pub(super) fn release(&self, id: &PartitionId, token: Token) -> Result<(), PortError> {
        let row = (&id.consumer.name, id.consumer.version, id.number, signed(token));
        self.change(RELEASE, row).map(drop)
    }

    pub(super) fn report(
        &self,
        id: &PartitionId,
        token: Token,
        error: &str,
    ) -> Result<(), PortError> {
        let row = (&id.consumer.name, id.consumer.version, id.number, signed(token), error);
        self.change(REPORT, row).map(drop)
    }

    pub(super) fn leave(&self, process: &ProcessId) -> Result<(), PortError> {
        self.change(END, [&process.0])?;
        self.change(LEAVE, [&process.0]).map(drop)
    }
}

/// A token as the tables hold it. One that was never given is none that they hold.
pub(super) fn signed(token: Token) -> i64 {
    i64::try_from(token.0).unwrap_or(-1)
}

fn serves_text(serves: &[ConsumerId]) -> String {
    let serves = serves.iter().map(|id| serde_json::json!([id.name, id.version]));
    serde_json::Value::Array(serves.collect()).to_string()
}

fn serves(text: &str) -> Option<Vec<ConsumerId>> {
    let serves: Vec<(String, u32)> = serde_json::from_str(text).ok()?;
    Some(serves.into_iter().map(|(name, version)| ConsumerId::new(name, version)).collect())
}
