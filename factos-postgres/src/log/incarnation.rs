use std::{
    iter,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use factos::{Bytes, EventId, Recorded, SequencePosition, backend::Head};

use super::server::Server;
use crate::{error::Error, wire};

/// How many events are kept. Transactions commit in another order than they take positions, so the last
/// event that was told of says nothing of those that were in flight beside it.
const MOST_ANCHORS: usize = 64;

/// No server was started at this time.
const NONE: i64 = i64::MIN;

/// The run of the server that was found to hold the log as this handle knows it.
///
/// The address may lead to another server one day, or to this one with an older state of its data: after a
/// failover, a restore, behind a pooler. Each statement carries the start of the run that was verified, and the
/// server refuses it in any other run, before it does anything. A new run is verified by the events that the
/// handle was told of: what it remembers is sound only if they are there.
#[derive(Debug)]
pub(crate) struct Incarnation {
    schema: String,
    is_keyed: bool,
    log_id: String,
    head: Head,
    /// When the server was started, in microseconds as the server counts them.
    verified: AtomicI64,
    anchors: Mutex<Anchors>,
    /// An event at or below this position is not kept.
    lowest: AtomicU64,
    /// Why the handle can no longer be used.
    lost: OnceLock<Error>,
}

#[derive(Debug, Default)]
struct Anchors {
    /// By position.
    events: Vec<Anchor>,
    /// How many were ever kept.
    kept: u64,
}

/// What a handle was told of at some moment.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) positions: Vec<i64>,
    pub(super) ids: Vec<wire::Id>,
    /// The last position.
    head: u64,
    kept: u64,
}

/// An event that the handle was told of as committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Anchor {
    position: SequencePosition,
    id: EventId,
}

impl Incarnation {
    /// A handle that was told of nothing yet, on a run of the server that it was opened on.
    pub(super) fn new(
        schema: &str,
        is_keyed: bool,
        log_id: String,
        server: wire::Time,
        head: Head,
    ) -> Self {
        Self {
            schema: schema.to_owned(),
            is_keyed,
            log_id,
            head,
            verified: AtomicI64::new(server.0),
            anchors: Mutex::default(),
            lowest: AtomicU64::new(0),
            lost: OnceLock::new(),
        }
    }

    pub(crate) fn log_id(&self) -> &str {
        &self.log_id
    }

    /// Whether a run of the server is known to hold the log.
    pub(crate) fn is_verified(&self) -> bool {
        self.verified().0 != NONE
    }

    /// The start of the run that was verified.
    pub(crate) fn verified(&self) -> wire::Time {
        wire::Time(self.verified.load(Ordering::Acquire))
    }

    /// The error of every call, once the log was found to be another one than the handle knows.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.lost.get().map_or(Ok(()), |lost| Err(lost.clone()))
    }

    /// Has the next statement verify the server, whichever it is: a server may also lose commits and go on as
    /// the same run, if its commits are asynchronous.
    pub(crate) fn doubt(&self) {
        self.verified.store(NONE, Ordering::Release);
    }

    /// The caller is told of these records, which are in the order of the log or in the reverse one, by the run
    /// of the server that this time stands for.
    pub(crate) fn told_of(&self, records: &[Recorded<Bytes>], run: wire::Time) {
        let is_backwards = records.first().map(|r| r.position) > records.last().map(|r| r.position);
        let newest = if is_backwards {
            &records[..records.len().min(MOST_ANCHORS)]
        } else {
            &records[records.len().saturating_sub(MOST_ANCHORS)..]
        };
        self.keep(
            newest.iter().map(|record| Anchor { position: record.position, id: record.id }),
            run,
        );
    }

    /// The caller is told that the log is complete up to this event.
    pub(crate) fn told_of_event(&self, position: SequencePosition, id: EventId, run: wire::Time) {
        self.keep(iter::once(Anchor { position, id }), run);
    }

    /// What the handle was told of by now.
    pub(super) fn told(&self) -> Told {
        let anchors = self.lock();
        let last = anchors.events.last().map(|anchor| anchor.position);
        let position = |anchor: &Anchor| wire::number(anchor.position.get());
        let (positions, ids) =
            anchors.events.iter().map(|anchor| (position(anchor), wire::Id(anchor.id))).unzip();
        let head = last.max(self.head.last()).map_or(0, SequencePosition::get);
        Told { positions, ids, head, kept: anchors.kept }
    }

    /// Takes over the run of the server that holds what the handle was told of, or says why not.
    pub(super) fn adopt(&self, told: &Told, found: Server) -> Result<(), Error> {
        self.doubt();
        let started = found.started;
        self.compare(told.head, found)?;
        let anchors = self.lock();
        // An answer of the run before may have come meanwhile: then the next statement verifies again.
        if anchors.kept == told.kept {
            self.verified.store(started.0, Ordering::Release);
        }
        Ok(())
    }

    fn compare(&self, known: u64, found: Server) -> Result<(), Error> {
        if found.log_id != self.log_id {
            let expected = self.log_id.clone();
            return Err(self.lose(Error::OtherLog { expected, found: found.log_id }));
        }
        if self.is_keyed && found.is_in_recovery {
            return Err(Error::Standby { schema: self.schema.clone() });
        }
        if found.head < known && found.is_in_recovery {
            return Err(Error::Behind { known, found: found.head });
        }
        if found.head < known || found.missing > 0 {
            return Err(self.lose(Error::WentBack { known, found: found.head }));
        }
        Ok(())
    }

    /// The error of this call and of every later one: the server holds no log of this format.
    pub(super) fn lose_all(&self, told: &Told) -> Error {
        self.lose(Error::WentBack { known: told.head, found: 0 })
    }

    fn lose(&self, error: Error) -> Error {
        self.lost.get_or_init(|| error).clone()
    }

    fn keep(&self, news: impl Iterator<Item = Anchor>, run: wire::Time) {
        let lowest = self.lowest.load(Ordering::Relaxed);
        let mut news = news.filter(|anchor| anchor.position.get() > lowest).peekable();
        if news.peek().is_none() {
            return;
        }
        let mut anchors = self.lock();
        for anchor in news {
            anchors.keep(anchor);
        }
        if anchors.events.len() == MOST_ANCHORS
            && let Some(lowest) = anchors.events.first()
        {
            self.lowest.store(lowest.position.get(), Ordering::Relaxed);
        }
        // Another run was taken over before this answer came.
        if self.verified() != run {
            self.doubt();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Anchors> {
        self.anchors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Anchors {
    fn keep(&mut self, anchor: Anchor) {
        let place = self.events.binary_search_by_key(&anchor.position, |known| known.position);
        if let Err(place) = place {
            self.events.insert(place, anchor);
            self.kept += 1;
        }
        if self.events.len() > MOST_ANCHORS {
            self.events.remove(0);
        }
    }
}
