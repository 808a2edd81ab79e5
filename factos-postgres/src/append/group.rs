use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use factos::{
    AppendError, EventId, SequencePosition, StreamName,
    backend::{self, AppendRequest, GroupLimits, Verdict, Weight},
};

use super::{batch::Batch, hook::HookError};
use crate::{config::Config, deadline::Deadline, error::Error, lock_names::LockNames};

/// The most events of a group of several appends: while the server writes them, the next group gathers.
const GROUP_EVENTS: usize = 1000;

/// How far into the queue a group looks for appends that fit.
const LOOKAHEAD: usize = 1024;

const NO_LIMITS: GroupLimits = GroupLimits { appends: usize::MAX, bytes: usize::MAX };

pub(super) type Request = AppendRequest<Batch>;

/// Appends that share one statement and one commit.
#[derive(Debug)]
pub(super) struct Group {
    requests: backend::Group<Batch>,
    /// The names to lock; none for the whole log.
    pub(super) names: Option<LockNames>,
    ids: HashSet<EventId>,
    streams: HashSet<StreamName>,
}

impl Group {
    /// Of requests that were found to fit together.
    pub(super) fn of(requests: impl IntoIterator<Item = Request>) -> Self {
        let mut group = Self::new(NO_LIMITS);
        requests.into_iter().for_each(|request| group.push(request));
        group
    }

    /// Takes the requests that fit together off the queue, in order, `most` of them at most. `head` is the
    /// last position that is known.
    pub(super) fn take(
        queue: &mut VecDeque<Request>,
        config: &Config,
        most: usize,
        head: Option<SequencePosition>,
    ) -> Self {
        let appends = config.batch_appends.min(most);
        let limits = GroupLimits { appends, bytes: config.batch_bytes };
        let mut group = Self::new(limits);
        let mut left = VecDeque::new();
        for _ in 0..queue.len().min(LOOKAHEAD) {
            let Some(request) = queue.pop_front() else { break };
            if request.is_abandoned() {
                continue;
            }
            let is_alone = is_alone(request.batch(), head);
            if !group.is_empty() && (is_alone || !group.fits(request.batch(), config)) {
                left.push_back(request);
                continue;
            }
            group.push(request);
            if is_alone || !group.requests.has_room_for(0) {
                break;
            }
        }
        left.append(queue);
        *queue = left;
        group
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn batches(&self) -> Vec<&Batch> {
        self.requests.batches().collect()
    }

    /// A group for each of the names at these places, with that name and the appends that lock it, and the rest.
    pub(super) fn split(self, places: &[i32]) -> (Vec<(Arc<str>, Self)>, Self) {
        let Some(names) = self.names else { return (Vec::new(), Self::of([])) };
        let (mut groups, mut rest) = (Vec::new(), self.requests.into_requests());
        for name in names.at(places) {
            let locks = |names: &LockNames| names.contains(name);
            let (with_name, others): (Vec<_>, Vec<_>) = rest
                .into_iter()
                .partition(|request| request.batch().names.as_ref().is_some_and(locks));
            groups.extend((!with_name.is_empty()).then(|| (name.into(), Self::of(with_name))));
            rest = others;
        }
        (groups, Self::of(rest))
    }

    /// Two groups of half the appends each.
    pub(super) fn halves(self) -> [Self; 2] {
        let mut first = self.requests.into_requests();
        let second = first.split_off(first.len() / 2);
        [Self::of(first), Self::of(second)]
    }

    /// The appends that may still wait for locks. The others are told that they waited for too long.
    pub(super) fn in_time(self) -> Self {
        if !self.requests.batches().any(|batch| batch.deadline.is_over()) {
            return self;
        }
        let requests = self.requests.into_requests().into_iter();
        let (late, in_time): (Vec<_>, Vec<_>) =
            requests.partition(|request| request.batch().deadline.is_over());
        for request in late {
            let waited = request.batch().deadline.lock_timeout();
            request.answer(Err(Error::Locked { waited }.into()));
        }
        Self::of(in_time)
    }

    /// When the first of the callers no longer waits.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.requests.batches().map(|batch| batch.deadline).reduce(Deadline::earlier)
    }

    /// The group was committed: tells each caller its verdict.
    pub(super) fn committed(mut self, verdicts: Vec<Verdict>) {
        verdicts.into_iter().for_each(|verdict| self.requests.record(verdict));
        self.requests.committed();
    }

    /// Tells the one caller of this group the error of its hook.
    pub(super) fn fail_in_hook(self, error: HookError) {
        if let Some(request) = self.requests.into_requests().pop() {
            request.answer(Err(AppendError::Hook(error)));
        }
    }

    /// Tells each caller that the group failed as a whole.
    pub(super) fn fail(self, error: &Error) {
        self.requests.fail(|| error.clone().into());
    }

    fn new(limits: GroupLimits) -> Self {
        Self {
            requests: backend::Group::new(limits),
            names: Some(LockNames::default()),
            ids: HashSet::new(),
            streams: HashSet::new(),
        }
    }

    fn push(&mut self, request: Request) {
        let batch = request.batch();
        match (&mut self.names, &batch.names) {
            (Some(own), Some(more)) => own.merge(more),
            (names, None) => *names = None,
            (None, Some(_)) => {}
        }
        self.ids.extend(batch.events().iter().map(|event| event.id));
        self.streams.extend(batch.events().iter().filter_map(|event| event.stream.clone()));
        self.requests.push(request);
    }

    fn fits(&self, batch: &Batch, config: &Config) -> bool {
        let events = batch.events();
        self.requests.has_room_for(batch.bytes())
            && self.ids.len() + events.len() <= GROUP_EVENTS
            && self.has_names_for(batch, config)
            && !batch.expected_revision().is_some_and(|(stream, _)| self.streams.contains(stream))
            && !events.iter().any(|event| self.ids.contains(&event.id))
    }

    /// Whether the names stay few enough. A group that locks the whole log may have any names.
    fn has_names_for(&self, batch: &Batch, config: &Config) -> bool {
        match (&self.names, &batch.names) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(more)) => own.len_with(more) <= config.batch_names,
        }
    }
}

/// Whether a batch must not share a commit: its condition looks beyond the head, and may or may not hold for
/// events of its own group. Only the server can tell.
fn is_alone(batch: &Batch, head: Option<SequencePosition>) -> bool {
    batch.query().is_some_and(|(_, after)| after > head)
}
