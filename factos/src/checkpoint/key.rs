use std::fmt;

use super::{anchor::Anchor, error::CheckpointError};
use crate::position::SequencePosition;

/// Which checkpoint it is, and what is the same for all databases that keep one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CheckpointKey {
    /// The name of the consumer.
    pub name: String,
    /// Which version of it.
    pub version: u32,
    /// Which of its partitions.
    pub partition: u32,
}

impl CheckpointKey {
    /// Version 1 and partition 0 of a consumer.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: 1, partition: 0 }
    }

    /// Checks a move before the database is asked.
    ///
    /// # Errors
    /// [`CheckpointError::Backwards`].
    pub fn check_move(
        &self,
        expected: Option<SequencePosition>,
        to: &Anchor,
    ) -> Result<(), CheckpointError> {
        match expected {
            Some(expected) if to.position() < expected => Err(CheckpointError::Backwards {
                name: self.to_string(),
                expected,
                to: to.position(),
            }),
            _ => Ok(()),
        }
    }

    /// Why the database has not moved a row to an anchor: it did not find it where it was expected, but like this.
    #[must_use]
    pub fn refusal(
        &self,
        expected: Option<SequencePosition>,
        found: Option<&Anchor>,
        to: &Anchor,
    ) -> CheckpointError {
        match found {
            Some(found) if found.log_id() != to.log_id() => CheckpointError::OtherLog {
                kept: found.log_id().to_owned(),
                found: to.log_id().to_owned(),
            },
            _ => CheckpointError::Moved {
                name: self.to_string(),
                expected,
                found: found.map(Anchor::position),
            },
        }
    }
}

impl fmt::Display for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, version {}, partition {}", self.name, self.version, self.partition)
    }
}
