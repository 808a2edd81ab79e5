use std::path::PathBuf;

use factos::backend::Verdict;
use rusqlite::Connection;

use crate::{
    append::{
        batch::Batch,
        transaction::{Failed, Transaction},
        triggers::Triggers,
    },
    connection::guard::Guard,
    log::{dictionary::Dictionary, known_log::Anchor},
};

/// What the writer owns, lent for one open transaction. As it is owned, it can be part of a future.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) connection: Connection,
    pub(crate) dictionary: Dictionary,
    pub(crate) triggers: Triggers,
    pub(crate) guard: Guard,
    pub(crate) path: PathBuf,
    /// The last event of the log, events of this transaction included.
    pub(crate) last: Option<Anchor>,
}

impl Lent {
    /// As [`Transaction::append`], within the code of a caller.
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<Verdict, Failed> {
        let Self { connection, dictionary, triggers, guard, last, .. } = self;
        let mut transaction = Transaction {
            connection,
            dictionary,
            triggers,
            guard,
            is_written: false,
            are_triggers_chosen: true,
            last: *last,
        };
        let appended = guard.lowered(|| transaction.append(batch));
        *last = transaction.last;
        appended
    }
}
