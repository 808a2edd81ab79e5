use std::collections::{HashSet, VecDeque};

use factos::{
    EventId, SequencePosition, StoreError, StreamName,
    backend::{self, AppendRequest, GroupLimits, Verdict, Weight},
};

use super::batch::Batch;
use crate::{config::Config, error::Error, lock_names::LockNames};

/// The most events of a group of several appends: while the server writes them, the next group gathers.
const GROUP_EVENTS: usize = 1000;

/// How far into the queue a group looks for appends that fit.
const LOOKAHEAD: usize = 1024;

pub(super) type Request = AppendRequest<Batch>;

/// How much may share one commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    group: GroupLimits,
    names: usize,
}

impl Limits {
    pub(super) const fn of(config: &Config) -> Self {
        let group = GroupLimits { appends: config.batch_appends, bytes: config.batch_bytes };
        Self { group, names: config.batch_names }
    }
}

/// Appends that share one commit and one statement, so that none of them may depend on another's ids, streams
/// or positions in a way that the statement does not check.
#[derive(Debug)]
pub(super) struct Group {
    requests: backend::Group<Batch>,
    limits: Limits,
    /// None for the whole log.
    names: Option<LockNames>,
    ids: HashSet<EventId>,
    streams: HashSet<StreamName>,
}

impl Group {
    pub(super) fn of(limits: Limits, requests: impl IntoIterator<Item = Request>) -> Self {
        let mut group = Self {
            requests: backend::Group::new(limits.group),
            limits,
            names: Some(LockNames::default()),
            ids: HashSet::new(),
            streams: HashSet::new(),
        };
        requests.into_iter().for_each(|request| group.push(request));
        group
    }

    /// Takes the requests that fit together off the queue, in order. `head` is the last position that is
    /// known.
    pub(super) fn take(
        queue: &mut VecDeque<Request>,
        limits: Limits,
        head: Option<SequencePosition>,
    ) -> Self {
        let mut group = Self::of(limits, []);
        let mut left = VecDeque::new();
        for _ in 0..queue.len().min(LOOKAHEAD) {
            let Some(request) = queue.pop_front() else { break };
            if request.is_abandoned() {
                continue;
            }
            let is_alone = is_alone(request.batch(), head);
            if !group.is_empty() && (is_alone || !group.fits(request.batch())) {
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

    /// The names to lock; none for the whole log.
    pub(super) const fn names(&self) -> Option<&LockNames> {
        self.names.as_ref()
    }

    pub(super) fn batches(&self) -> Vec<&Batch> {
        self.requests.batches().collect()
    }

    /// A group for each of the names at these places, with the appends that lock it, and the rest.
    pub(super) fn split(self, places: &[i32]) -> (Vec<Self>, Self) {
        let limits = self.limits;
        let Some(names) = self.names else { return (vec![self], Self::of(limits, [])) };
        let names = names.at(places);
        let mut with_name: Vec<Vec<Request>> = names.iter().map(|_| Vec::new()).collect();
        let mut others = Vec::new();
        for request in self.requests.into_requests() {
            let own = request.batch().names.as_ref();
            let locks = |name: &&str| own.is_some_and(|own| own.contains(name));
            match names.iter().position(locks) {
                Some(index) => with_name[index].push(request),
                None => others.push(request),
            }
        }
        let with_name = with_name.into_iter().filter(|requests| !requests.is_empty());
        let with_name = with_name.map(|requests| Self::of(limits, requests)).collect();
        (with_name, Self::of(limits, others))
    }

    /// A group for each append.
    pub(super) fn singles(self) -> impl Iterator<Item = Self> {
        let limits = self.limits;
        let requests = self.requests.into_requests().into_iter();
        requests.map(move |request| Self::of(limits, [request]))
    }

    /// The group was committed: tells each caller its verdict.
    pub(super) fn committed(mut self, verdicts: Vec<Verdict>) {
        verdicts.into_iter().for_each(|verdict| self.requests.record(verdict));
        self.requests.committed();
    }

    /// Tells each caller that the group failed as a whole.
    pub(super) fn fail(self, error: &Error) {
        self.requests.fail(|| StoreError::from(error.clone()).into());
    }

    fn push(&mut self, request: Request) {
        let batch = request.batch();
        match (&mut self.names, &batch.names) {
            (Some(own), Some(more)) => own.merge(more),
            (names, None) => *names = None,
            (None, Some(_)) => {}
        }
        self.ids.extend(batch.events().iter().map(|event| event.id));
        self.streams.extend(batch.streams().cloned());
        self.requests.push(request);
    }

    fn fits(&self, batch: &Batch) -> bool {
        let events = batch.events();
        self.requests.has_room_for(batch.bytes())
            && self.ids.len() + events.len() <= GROUP_EVENTS
            && self.has_names_for(batch)
            && !batch.expected_stream().is_some_and(|stream| self.streams.contains(stream))
            && !events.iter().any(|event| self.ids.contains(&event.id))
    }

    /// Whether the names stay few enough. A group that locks the whole log may have any names.
    fn has_names_for(&self, batch: &Batch) -> bool {
        match (&self.names, &batch.names) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(more)) => own.len_with(more) <= self.limits.names,
        }
    }
}

/// Whether a batch must not share a commit: its condition looks beyond the head, and may or may not hold for
/// events of its own group. Only the server can tell.
fn is_alone(batch: &Batch, head: Option<SequencePosition>) -> bool {
    batch.query().is_some_and(|(_, after)| after > head)
}
