use factos::{SequencePosition, backend::Verdict};

use super::{batch::Batch, hook::HookError, statement::Answer};
use crate::{
    error::{Error, Sent},
    wire,
};

/// What the server answered to a group.
#[derive(Debug)]
pub(super) enum Reply {
    /// The names that other transactions hold, by their places from 1: nothing was done.
    Held(Vec<i32>),
    /// The session was not as it should be: nothing was done.
    Again,
    Committed(Committed),
}

/// A group that was committed.
#[derive(Debug)]
pub(super) struct Committed {
    pub(super) verdicts: Vec<Verdict>,
    /// The last position that was given out.
    pub(super) head: Option<SequencePosition>,
    /// The run of the server that answered.
    pub(super) run: wire::Time,
}

/// Why one attempt at a group failed, and whether its connection can be used again.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) cause: Cause,
    pub(super) is_usable: bool,
}

#[derive(Debug)]
pub(super) enum Cause {
    /// A statement of the store's, and whether the commit may have been reached.
    Statement(sqlx::Error, Sent),
    /// A hook. Nothing was written.
    Hook(HookError),
    /// Another reason.
    Store(Error),
}

impl Reply {
    /// The reply of one statement that is a transaction of its own.
    pub(super) fn of(answer: Answer, batches: &[&Batch]) -> Self {
        match answer.held {
            Some(held) => Self::Held(held),
            None => Self::Committed(Committed {
                verdicts: answer.verdicts(batches),
                head: answer.head(),
                run: answer.run,
            }),
        }
    }
}
