//! Which version of a consumer counts.

use factos::Anchor;
use factos_consumer::port::{ConsumerId, ConsumerState, PortError, Registration, Succession};

use super::{
    clock::{is_leased, now},
    division::{END, Names, REMOVE},
    row::{Stored, consumer_id, succession_name},
    tables::Tables,
};

const LIVE: &str = "SELECT name, version FROM factos_consumer WHERE name = ?1 AND state = 'live'";
const OTHER_KIND: &str = "SELECT name, version FROM factos_consumer \
     WHERE name = ?1 AND succession <> ?2 ORDER BY version LIMIT 1";
const INSERT: &str = "INSERT INTO factos_consumer (name, version, state, succession, resize_to) \
     VALUES (?1, ?2, ?3, ?4, ?5) /* of the consumers */";
const SET_STATE: &str = "UPDATE factos_consumer SET state = ?3 \
     WHERE name = ?1 AND version = ?2 /* of the consumers */";
/// Versions that have taken over, and have not got what there is yet, with how many partitions they are to have.
const TAKING_OVER: &str = "SELECT name, version, coalesce(resize_to, 1) FROM factos_consumer c \
     WHERE (?1 IS NULL OR name = ?1) AND state = 'live' \
       AND NOT EXISTS (SELECT * FROM factos_consumer_partition p \
         WHERE p.name = c.name AND p.version = c.version)";
/// The version that has it, once none of it is leased.
const HANDING_OVER: &str = concat!(
    "SELECT name, version FROM factos_consumer c WHERE name = ?1 AND state = 'retired' \
       AND EXISTS (SELECT * FROM factos_consumer_partition p \
         WHERE p.name = c.name AND p.version = c.version) \
       AND NOT EXISTS (SELECT * FROM factos_consumer_partition p \
         WHERE p.name = c.name AND p.version = c.version AND ",
    is_leased!(),
    ")"
);
const MOVE_PARTITIONS: &str = "UPDATE factos_consumer_partition SET version = ?3 \
     WHERE name = ?1 AND version = ?2 /* of the consumers */";
const MOVE_PARKED: &str = "UPDATE factos_consumer_parked SET version = ?3 \
     WHERE name = ?1 AND version = ?2 /* of the consumers */";
const MOVE_RESIZE: &str = "UPDATE factos_consumer \
     SET (resize_to, resize_until) = (SELECT f.resize_to, f.resize_until FROM factos_consumer f \
       WHERE f.name = ?1 AND f.version = ?2) \
     WHERE name = ?1 AND version = ?3 /* of the consumers */";
/// It keeps how many partitions it is to have, should it ever be promoted again.
const KEEP_WISH: &str = "UPDATE factos_consumer SET resize_until = NULL, \
     resize_to = coalesce(resize_to, (SELECT nullif(count(*), 0) FROM factos_consumer_partition p \
       WHERE p.name = ?1 AND p.version = ?2)) \
     WHERE name = ?1 AND version = ?2 /* of the consumers */";
const REMOVE_PARKED: &str = "DELETE FROM factos_consumer_parked \
     WHERE name = ?1 AND version = ?2 /* of the consumers */";

impl Tables<'_> {
    /// Makes a version known, and what it becomes.
    pub(super) fn register(&self, registration: &Registration) -> Result<ConsumerState, PortError> {
        let Registration { consumer: id, partitions, succession, start } = registration;
        let partitions = (*partitions).max(1);
        self.check_kind(id, *succession)?;
        let state = match self.consumer(id)? {
            Some(Stored { state, .. }) => state,
            None => self.add(id, partitions, *succession, start.as_ref())?,
        };
        if state != ConsumerState::Retired {
            self.resize(id, partitions)?;
        }
        self.finish(Names::One(&id.name))?;
        Ok(state)
    }

    /// An error if a version of the name is of the other kind.
    fn check_kind(&self, id: &ConsumerId, succession: Succession) -> Result<(), PortError> {
        let parameters = (&id.name, succession_name(succession));
        let what = "factos_consumer";
        match self.one(&what, OTHER_KIND, parameters, |row| consumer_id(row, 0))? {
            None => Ok(()),
            Some(kept) => Err(PortError::OtherKind { consumer: id.clone(), succession, kept }),
        }
    }

    fn add(
        &self,
        id: &ConsumerId,
        partitions: u32,
        succession: Succession,
        start: Option<&Anchor>,
    ) -> Result<ConsumerState, PortError> {
        let live = self.live(&id.name)?;
        // It is retired, or waits for what the live one has.
        let has_none = live.is_some() && succession == Succession::TakeOver;
        let state = match (&live, succession) {
            (None, _) => ConsumerState::Live,
            (Some(_), Succession::Rebuild) => ConsumerState::Beside,
            (Some(live), Succession::TakeOver) if live.version < id.version => {
                self.set_state(live, ConsumerState::Retired)?;
                ConsumerState::Live
            }
            (Some(_), Succession::TakeOver) => ConsumerState::Retired,
        };
        let wish = has_none.then_some(partitions);
        let row = (&id.name, id.version, state.as_str(), succession_name(succession), wish);
        self.change(INSERT, row)?;
        if !has_none {
            self.divide(id, partitions, start)?;
        }
        Ok(state)
    }

    /// Ends what waits for leases to end: taking over, and changes of the number of partitions.
    pub(super) fn finish(&self, names: Names<'_>) -> Result<(), PortError> {
        self.finish_take_overs(names)?;
        self.finish_resizes(names)
    }

    fn finish_take_overs(&self, names: Names<'_>) -> Result<(), PortError> {
        let what = "factos_consumer";
        let taking = self.all(&what, TAKING_OVER, [names.one()], |row| {
            Ok((consumer_id(row, 0)?, row.get(2)?))
        })?;
        for (to, wanted) in taking.into_iter().filter(|(to, _)| names.has(&to.name)) {
            let from = self.one(&what, HANDING_OVER, [&to.name], |row| consumer_id(row, 0))?;
            if let Some(from) = from {
                self.hand_over(&from, &to)?;
                self.resize(&to, wanted)?;
            }
        }
        Ok(())
    }

    fn hand_over(&self, from: &ConsumerId, to: &ConsumerId) -> Result<(), PortError> {
        let versions = || (&from.name, from.version, to.version);
        self.end_leases(from)?;
        self.change(MOVE_RESIZE, versions())?;
        self.change(KEEP_WISH, (&from.name, from.version))?;
        self.change(MOVE_PARTITIONS, versions())?;
        self.change(REMOVE_PARKED, (&to.name, to.version))?;
        self.change(MOVE_PARKED, versions()).map(drop)
    }

    pub(super) fn promote(&self, id: &ConsumerId) -> Result<(), PortError> {
        let target = self.known(id)?;
        if target.succession == Succession::Rebuild && target.state == ConsumerState::Retired {
            return Err(PortError::IsRetired(id.clone()));
        }
        if let Some(live) = self.live(&id.name)?.filter(|live| live != id) {
            match target.succession {
                Succession::Rebuild => self.set_state(&live, ConsumerState::Beside)?,
                Succession::TakeOver => {
                    self.set_state(&live, ConsumerState::Retired)?;
                    // One without partitions waits for those that the target still has.
                    if self.partition_count(&live)? > 0 {
                        self.change(KEEP_WISH, (&id.name, id.version))?;
                        self.change(REMOVE, (&id.name, id.version))?;
                    }
                }
            }
        }
        self.set_state(id, ConsumerState::Live)
    }

    pub(super) fn retire(&self, id: &ConsumerId) -> Result<(), PortError> {
        match self.known(id)?.state {
            ConsumerState::Live => return Err(PortError::IsLive(id.clone())),
            // It may have something to hand over.
            ConsumerState::Retired => return Ok(()),
            _ => {}
        }
        self.set_state(id, ConsumerState::Retired)?;
        for remove in [REMOVE, REMOVE_PARKED, END] {
            self.change(remove, (&id.name, id.version))?;
        }
        Ok(())
    }

    fn live(&self, name: &str) -> Result<Option<ConsumerId>, PortError> {
        self.one(&"factos_consumer", LIVE, [name], |row| consumer_id(row, 0))
    }

    fn set_state(&self, id: &ConsumerId, state: ConsumerState) -> Result<(), PortError> {
        self.change(SET_STATE, (&id.name, id.version, state.as_str())).map(drop)
    }
}
