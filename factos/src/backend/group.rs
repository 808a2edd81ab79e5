use super::append_request::{AppendRequest, Verdict, Weight};
use crate::append_error::AppendError;

/// The limits of a [`Group`]: how many appends and bytes may share one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLimits {
    /// How many appends.
    pub appends: usize,
    /// About how many bytes. A batch that is larger by itself forms a group alone.
    pub bytes: usize,
}

/// Appends that share one commit: group commit.
///
/// Batches are checked one after the other within the commit's transaction, and each verdict is
/// [recorded](Self::record). No caller is told before the commit, refusals included: a batch may have been
/// refused because of an event of the same group, which is not in the log until the commit. Once the
/// outcome is known, one of [`committed`](Self::committed), [`fail`](Self::fail) and
/// [`unknown`](Self::unknown) tells everybody. Callers of a group that is dropped are told what
/// [`AppendReply::verdict_or`](super::AppendReply::verdict_or) was given.
#[derive(Debug)]
pub struct Group<B> {
    limits: GroupLimits,
    requests: Vec<AppendRequest<B>>,
    verdicts: Vec<Verdict>,
    bytes: usize,
}

impl<B: Weight> Group<B> {
    /// An empty group.
    #[must_use]
    pub const fn new(limits: GroupLimits) -> Self {
        Self { limits, requests: Vec::new(), verdicts: Vec::new(), bytes: 0 }
    }

    /// Whether a further batch of this size stays within the limits. There is room for any first one.
    #[must_use]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.requests.is_empty()
            || self.requests.len() < self.limits.appends
                && self.bytes.saturating_add(bytes) <= self.limits.bytes
    }

    /// Adds a request, whatever the limits say.
    pub fn push(&mut self, request: AppendRequest<B>) {
        self.bytes = self.bytes.saturating_add(request.batch().bytes());
        self.requests.push(request);
    }

    /// Adds one request of a queue, if there is one while the group is not full; false if nothing was taken.
    /// Abandoned requests are dropped. The last one may go past the limit on bytes by its own size.
    pub fn take(&mut self, next: impl FnOnce() -> Option<AppendRequest<B>>) -> bool {
        if !self.has_room_for(0) {
            return false;
        }
        let Some(request) = next() else { return false };
        if !request.is_abandoned() {
            self.push(request);
        }
        true
    }

    /// The first batch without a verdict.
    #[must_use]
    pub fn next(&self) -> Option<&B> {
        self.requests.get(self.verdicts.len()).map(AppendRequest::batch)
    }

    /// Records the verdict on the [next](Self::next) batch.
    pub fn record(&mut self, verdict: Verdict) {
        self.verdicts.push(verdict);
    }

    /// All batches, in order.
    pub fn batches(&self) -> impl ExactSizeIterator<Item = &B> {
        self.requests.iter().map(AppendRequest::batch)
    }

    /// How many appends there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// The commit succeeded: tells each caller its verdict. Batches without a verdict are dropped.
    pub fn committed(self) {
        for (request, verdict) in self.requests.into_iter().zip(self.verdicts) {
            request.answer(verdict);
        }
    }

    /// The group failed as a whole: tells each caller this error, whatever its verdict.
    pub fn fail(self, error: impl Fn() -> AppendError) {
        self.requests.into_iter().for_each(|request| request.answer(Err(error())));
    }

    /// The outcome of the commit is unknown. Nothing of a refused batch was written, but it may have been
    /// refused because of events that are not in the log: its caller is told `refused`. All others are told
    /// `accepted`, which is to be of the kind
    /// [`OutcomeUnknown`](crate::StoreErrorKind::OutcomeUnknown).
    pub fn unknown(self, accepted: impl Fn() -> AppendError, refused: impl Fn() -> AppendError) {
        let refusals = self.verdicts.iter().map(Result::is_err).chain(std::iter::repeat(false));
        for (request, is_refused) in self.requests.into_iter().zip(refusals) {
            request.answer(Err(if is_refused { refused() } else { accepted() }));
        }
    }

    /// The requests, to be tried in other groups. Verdicts are dropped.
    #[must_use]
    pub fn into_requests(self) -> Vec<AppendRequest<B>> {
        self.requests
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures_util::{FutureExt, future::BoxFuture};

    use super::*;
    use crate::store_error::{StoreError, StoreErrorKind};

    /// A batch of so many bytes.
    #[derive(Debug)]
    struct Bytes(usize);

    impl Weight for Bytes {
        fn bytes(&self) -> usize {
            self.0
        }
    }

    type Requests = VecDeque<AppendRequest<Bytes>>;

    /// What callers wait for: how many records, or the kind of the error.
    type Replies = Vec<BoxFuture<'static, Result<usize, Option<StoreErrorKind>>>>;

    const LIMITS: GroupLimits = GroupLimits { appends: 3, bytes: 100 };

    fn error(kind: StoreErrorKind) -> AppendError {
        StoreError::new(kind, "told").into()
    }

    fn requests(sizes: &[usize]) -> (Requests, Replies) {
        let request = |size: &usize| {
            let (request, reply) = AppendRequest::new(Bytes(*size));
            let verdict = reply.verdict_or(|| error(StoreErrorKind::Full));
            let told = verdict.map(|verdict| match verdict {
                Ok(records) => Ok(records.len()),
                Err(AppendError::Store(error)) => Err(Some(error.kind())),
                Err(_) => Err(None),
            });
            (request, told.boxed())
        };
        sizes.iter().map(request).unzip()
    }

    fn filled(queue: &mut Requests) -> Group<Bytes> {
        let mut group = Group::new(LIMITS);
        while group.take(|| queue.pop_front()) {}
        group
    }

    fn sizes(group: &Group<Bytes>) -> Vec<usize> {
        group.batches().map(Weight::bytes).collect()
    }

    /// What each caller is told by now; none for one that still waits.
    fn told(replies: &mut Replies) -> Vec<Option<Result<usize, Option<StoreErrorKind>>>> {
        replies.iter_mut().map(|reply| reply.now_or_never()).collect()
    }

    #[test]
    fn a_group_is_bounded_by_count_and_by_bytes() {
        let (mut queue, _replies) = requests(&[1, 2, 3, 4]);
        assert_eq!(sizes(&filled(&mut queue)), [1, 2, 3]);
        assert_eq!(sizes(&filled(&mut queue)), [4]);
        let (mut queue, _replies) = requests(&[90, 60, 1]);
        assert_eq!(sizes(&filled(&mut queue)), [90, 60]);
        assert!(Group::<Bytes>::new(LIMITS).has_room_for(usize::MAX));
        let group = filled(&mut queue);
        assert!(group.has_room_for(99) && !group.has_room_for(100));
    }

    #[test]
    fn abandoned_requests_are_skipped() {
        let (mut queue, mut replies) = requests(&[1, 2, 3]);
        drop(replies.remove(1));
        assert_eq!(sizes(&filled(&mut queue)), [1, 3]);
    }

    #[test]
    fn nobody_is_told_before_the_commit() {
        let (mut queue, mut replies) = requests(&[1, 2]);
        let mut group = filled(&mut queue);
        group.record(Ok(Vec::new()));
        group.record(Err(AppendError::EmptyBatch));
        assert!(group.next().is_none());
        assert_eq!(told(&mut replies), [None, None]);
        group.committed();
        assert_eq!(told(&mut replies), [Some(Ok(0)), Some(Err(None))]);
    }

    #[test]
    fn callers_of_a_dropped_group_are_told() {
        let (mut queue, mut replies) = requests(&[1]);
        let mut group = filled(&mut queue);
        group.record(Ok(Vec::new()));
        drop(group);
        assert_eq!(told(&mut replies), [Some(Err(Some(StoreErrorKind::Full)))]);
    }

    #[test]
    fn an_unknown_outcome_tells_refused_batches_apart() {
        let (mut queue, mut replies) = requests(&[1, 2, 3]);
        let mut group = filled(&mut queue);
        group.record(Ok(Vec::new()));
        group.record(Err(AppendError::EmptyBatch));
        let (unknown, busy) = (StoreErrorKind::OutcomeUnknown, StoreErrorKind::Busy);
        group.unknown(|| error(unknown), || error(busy));
        let expected = [unknown, busy, unknown].map(|kind| Some(Err(Some(kind))));
        assert_eq!(told(&mut replies), expected);
    }
}
