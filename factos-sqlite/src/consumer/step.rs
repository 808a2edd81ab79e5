//! Steps of a partition.

use factos::SequencePosition;
use factos_consumer::port::{
    Advance, ConsumerId, Failure, NewParked, PartitionId, PortError, Settled, Step, Token,
};
use rusqlite::params;

use super::{
    clock::{milliseconds, now},
    lease::signed,
    row::anchor,
    tables::Tables,
};

const HELD: &str = "SELECT log_id, position, event_id FROM factos_consumer_partition \
     WHERE name = ?1 AND version = ?2 AND number = ?3 AND token = ?4";
const CLEAR: &str = "UPDATE factos_consumer_partition SET error = NULL \
     WHERE name = ?1 AND version = ?2 AND number = ?3 AND error IS NOT NULL /* of the consumers */";
const ADVANCE: &str = "UPDATE factos_consumer_partition \
     SET log_id = ?4, position = ?5, event_id = ?6 \
     WHERE name = ?1 AND version = ?2 AND number = ?3 /* of the consumers */";
const PARK: &str = concat!(
    "INSERT INTO factos_consumer_parked \
       (name, version, position, effect, key, slot, attempts, reason, retry_at, waits) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ",
    now!(),
    " + ?9, EXISTS (SELECT * FROM factos_consumer_parked INDEXED BY factos_consumer_parked_key \
         WHERE name = ?1 AND version = ?2 AND key = ?5 AND skipped IS NULL AND position < ?3)) \
     ON CONFLICT DO NOTHING /* of the consumers */"
);
/// The next one of a key waits for this one.
const WAIT: &str = "UPDATE factos_consumer_parked SET waits = 1 \
     WHERE name = ?1 AND version = ?2 AND waits = 0 AND skipped IS NULL AND position = \
       (SELECT min(position) FROM factos_consumer_parked INDEXED BY factos_consumer_parked_key \
        WHERE name = ?1 AND version = ?2 AND key = ?4 AND skipped IS NULL AND position > ?3) \
     /* of the consumers */";
/// The first one of a key waits for none.
const BE_FIRST: &str = "UPDATE factos_consumer_parked SET waits = 0 \
     WHERE name = ?1 AND version = ?2 AND waits = 1 AND position = \
       (SELECT min(position) FROM factos_consumer_parked INDEXED BY factos_consumer_parked_key \
        WHERE name = ?1 AND version = ?2 AND key = ?3 AND skipped IS NULL) \
     /* of the consumers */";
const REMOVE: &str = "DELETE FROM factos_consumer_parked \
     WHERE name = ?1 AND version = ?2 AND position = ?3 RETURNING key /* of the consumers */";
const FAIL: &str = concat!(
    "UPDATE factos_consumer_parked SET effect = ?4, attempts = ?5, reason = ?6, retry_at = ",
    now!(),
    " + ?7 WHERE name = ?1 AND version = ?2 AND position = ?3 /* of the consumers */"
);

/// All of this file.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 8] = [HELD, CLEAR, ADVANCE, PARK, WAIT, BE_FIRST, REMOVE, FAIL];

impl Tables<'_> {
    /// Whether the step may be made.
    pub(super) fn check_step(&self, step: &Step) -> Result<(), PortError> {
        let Step { partition, token, .. } = step;
        let kept = self.held(partition, *token)?;
        let Some(Advance { from, to }) = &step.advance else { return Ok(()) };
        let found = kept.as_ref().map(factos::Anchor::position);
        match &kept {
            Some(kept) if kept.log_id() != to.log_id() => Err(PortError::OtherLog {
                partition: partition.clone(),
                kept: kept.log_id().to_owned(),
                found: to.log_id().to_owned(),
            }),
            _ if found != *from => {
                Err(PortError::Moved { partition: partition.clone(), expected: *from, found })
            }
            _ => Ok(()),
        }
    }

    /// Where the partition is, if its lease has this token.
    fn held(&self, id: &PartitionId, token: Token) -> Result<Option<factos::Anchor>, PortError> {
        let key = (&id.consumer.name, id.consumer.version, id.number, signed(token));
        let held = self.one(id, HELD, key, |row| anchor(row, 0))?;
        held.ok_or_else(|| PortError::LeaseLost(id.clone()))
    }

    /// Keeps what a step says that was checked.
    pub(super) fn keep_step(&self, step: &Step) -> Result<(), PortError> {
        let PartitionId { consumer: id, number } = &step.partition;
        self.change(CLEAR, (&id.name, id.version, number))?;
        if let Some(Advance { to, .. }) = &step.advance {
            let (position, event_id) =
                (to.position().get().cast_signed(), to.event_id().to_bytes());
            let row = params![id.name, id.version, number, to.log_id(), position, event_id];
            self.change(ADVANCE, row)?;
        }
        step.park.iter().try_for_each(|parked| self.park(id, parked))?;
        step.settle.iter().try_for_each(|settled| self.settle(id, settled))
    }

    fn park(&self, id: &ConsumerId, parked: &NewParked) -> Result<(), PortError> {
        let NewParked { position, index, key, slot, failure } = parked;
        let Failure { attempts, reason, retry_in } = failure;
        let (position, slot) = (position.get().cast_signed(), slot.cast_signed());
        let retry_in = retry_in.map(milliseconds);
        let row =
            params![id.name, id.version, position, index, key, slot, attempts, reason, retry_in];
        let is_new = self.change(PARK, row)? == 1;
        if let Some(key) = key.as_ref().filter(|_| is_new) {
            self.change(WAIT, (&id.name, id.version, position, key))?;
        }
        Ok(())
    }

    fn settle(&self, id: &ConsumerId, settled: &Settled) -> Result<(), PortError> {
        match settled {
            Settled::Done(position) => self.done(id, *position),
            Settled::Failed { position, index, failure } => {
                let Failure { attempts, reason, retry_in } = failure;
                let (position, retry_in) =
                    (position.get().cast_signed(), retry_in.map(milliseconds));
                let row = params![id.name, id.version, position, index, attempts, reason, retry_in];
                self.change(FAIL, row).map(drop)
            }
        }
    }

    fn done(&self, id: &ConsumerId, position: SequencePosition) -> Result<(), PortError> {
        let (what, at) = (format!("factos_consumer_parked, {id}"), position.get().cast_signed());
        let removed: Vec<Option<String>> =
            self.all(&what, REMOVE, (&id.name, id.version, at), |row| row.get(0))?;
        let keys = removed.into_iter().flatten();
        { keys }.try_for_each(|key| self.unblock(id, &key))
    }

    /// Has the first event of a key wait for none.
    pub(super) fn unblock(&self, id: &ConsumerId, key: &str) -> Result<(), PortError> {
        self.change(BE_FIRST, (&id.name, id.version, key)).map(drop)
    }
}
