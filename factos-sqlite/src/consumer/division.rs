//! Into how many partitions a version is divided, and changes of that.

use factos::Anchor;
use factos_consumer::port::{ConsumerId, PortError};

use super::{
    clock::{is_leased, now},
    row::{anchor, consumer_id},
    tables::Tables,
};

const COUNT: &str =
    "SELECT count(*) FROM factos_consumer_partition WHERE name = ?1 AND version = ?2";
/// Ends a change, or a wish.
pub(super) const END: &str = "UPDATE factos_consumer SET resize_to = NULL, resize_until = NULL \
     WHERE name = ?1 AND version = ?2 AND resize_to IS NOT NULL /* of the consumers */";
const BEGIN: &str = "UPDATE factos_consumer SET resize_to = ?3, resize_until = \
       (SELECT max(position) FROM factos_consumer_partition WHERE name = ?1 AND version = ?2) \
     WHERE name = ?1 AND version = ?2 AND resize_to IS NOT ?3 /* of the consumers */";
const END_LEASES: &str = "UPDATE factos_consumer_partition \
     SET owner = NULL, token = NULL, leased_at = NULL, leased_for = NULL \
     WHERE name = ?1 AND version = ?2 AND token IS NOT NULL /* of the consumers */";
/// Those whose partitions all have come to where they stop, with none leased.
const DRAINED: &str = concat!(
    "SELECT c.name, c.version, c.resize_to FROM factos_consumer c \
     WHERE (?1 IS NULL OR c.name = ?1) AND c.resize_to IS NOT NULL \
       AND EXISTS (SELECT * FROM factos_consumer_partition p \
         WHERE p.name = c.name AND p.version = c.version) \
       AND NOT EXISTS (SELECT * FROM factos_consumer_partition p \
         WHERE p.name = c.name AND p.version = c.version \
           AND (coalesce(p.position, 0) < coalesce(c.resize_until, 0) OR ",
    is_leased!(),
    "))"
);
const HIGHEST: &str = "SELECT log_id, position, event_id FROM factos_consumer_partition \
     WHERE name = ?1 AND version = ?2 ORDER BY position DESC LIMIT 1";
pub(super) const REMOVE: &str = "DELETE FROM factos_consumer_partition \
     WHERE name = ?1 AND version = ?2 /* of the consumers */";
const INSERT: &str = "INSERT INTO factos_consumer_partition \
       (name, version, number, log_id, position, event_id) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) /* of the consumers */";

/// Which consumers a change is looked for among.
#[derive(Clone, Copy)]
pub(super) enum Names<'a> {
    One(&'a str),
    Of(&'a [ConsumerId]),
}

impl Names<'_> {
    /// The name, if it is one.
    pub(super) const fn one(&self) -> Option<&str> {
        match self {
            Self::One(name) => Some(name),
            Self::Of(_) => None,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => *one == name,
            Self::Of(ids) => ids.iter().any(|id| id.name == name),
        }
    }
}

impl Tables<'_> {
    pub(super) fn partition_count(&self, id: &ConsumerId) -> Result<u32, PortError> {
        let what = format!("factos_consumer_partition, {id}");
        let count = self.one(&what, COUNT, (&id.name, id.version), |row| row.get(0))?;
        Ok(count.unwrap_or(0))
    }

    /// Begins a change of the number of partitions, or ends one that is not wanted any more. One that has none, and
    /// waits for those of another version, keeps how many it is to have.
    pub(super) fn resize(&self, id: &ConsumerId, wanted: u32) -> Result<(), PortError> {
        let present = self.partition_count(id)?;
        if present == wanted {
            self.change(END, (&id.name, id.version))?;
        } else if self.change(BEGIN, (&id.name, id.version, wanted))? == 1 {
            self.end_leases(id)?;
        }
        Ok(())
    }

    /// Ends all leases of a version. No step under a token from before changes anything then.
    pub(super) fn end_leases(&self, id: &ConsumerId) -> Result<(), PortError> {
        self.change(END_LEASES, (&id.name, id.version))?;
        Ok(())
    }

    /// Ends the changes that can be ended by now.
    pub(super) fn finish_resizes(&self, names: Names<'_>) -> Result<(), PortError> {
        let drained = self.all(&"factos_consumer", DRAINED, [names.one()], |row| {
            Ok((consumer_id(row, 0)?, row.get(2)?))
        })?;
        for (id, partitions) in drained.into_iter().filter(|(id, _)| names.has(&id.name)) {
            let what = format!("factos_consumer_partition, {id}");
            let highest = self.one(&what, HIGHEST, (&id.name, id.version), |row| anchor(row, 0))?;
            self.change(END, (&id.name, id.version))?;
            self.divide(&id, partitions, highest.flatten().as_ref())?;
        }
        Ok(())
    }

    /// Replaces the partitions, none of which is leased, by others.
    pub(super) fn divide(
        &self,
        id: &ConsumerId,
        partitions: u32,
        anchor: Option<&Anchor>,
    ) -> Result<(), PortError> {
        self.change(REMOVE, (&id.name, id.version))?;
        let log_id = anchor.map(Anchor::log_id);
        let position = anchor.map(|anchor| anchor.position().get().cast_signed());
        let event_id = anchor.map(|anchor| anchor.event_id().to_bytes());
        for number in 0..partitions {
            let row = (&id.name, id.version, number, log_id, position, event_id);
            self.change(INSERT, row)?;
        }
        Ok(())
    }
}
