use bytes::Bytes;

use super::follower::Follower;
use crate::{
    conformance::{fixture::Fixture, parallel::soon_within},
    events::Page,
    position::SequencePosition,
    recorded::Recorded,
    subscription::{Batch, SubscribeError},
};

/// How many calls of the store a batch may take.
const CALLS: u64 = 200;

/// What a subscription gave out, and what it said of it.
#[derive(Default)]
pub(in crate::conformance) struct Seen {
    pub(in crate::conformance) records: Page,
    /// The position of each batch, and how many records had come with it.
    pub(in crate::conformance) told: Vec<(Option<SequencePosition>, usize)>,
    pub(in crate::conformance) live: usize,
    pub(in crate::conformance) empty: usize,
}

impl Seen {
    /// The next batch, which must come soon.
    pub(in crate::conformance) async fn next<F: Fixture>(&mut self, follower: &mut dyn Follower) {
        self.take(next::<F, _>(follower).await.unwrap());
    }

    /// All batches until it was told that everything up to here has come.
    pub(in crate::conformance) async fn until<F: Fixture>(
        &mut self,
        follower: &mut dyn Follower,
        position: Option<SequencePosition>,
    ) {
        while self.live == 0 || self.through() < position {
            self.next::<F>(follower).await;
        }
    }

    pub(in crate::conformance) fn take(&mut self, batch: Batch) {
        assert_eq!(batch.skipped, 0, "nothing is skipped where nothing is decoded");
        assert!(
            batch.through > self.through() || batch.is_live || self.told.is_empty(),
            "a batch that says nothing: {:?} after {:?}",
            batch.through,
            self.through()
        );
        self.live += usize::from(batch.is_live);
        self.empty += usize::from(batch.records.is_empty());
        self.records.extend(batch.records);
        self.told.push((batch.through, self.records.len()));
        assert!(self.live <= 1, "it told twice that it is live");
    }

    pub(in crate::conformance) fn through(&self) -> Option<SequencePosition> {
        self.told.last().and_then(|(through, _)| *through)
    }

    /// Asserts that these records came, each once and in order, and with each position all up to it.
    pub(in crate::conformance) fn assert_is(&self, right: &[Recorded<Bytes>]) {
        let (came, there) = (places(&self.records), places(right));
        if let Some((came, right)) = came.iter().zip(&there).find(|(came, right)| came != right) {
            panic!("position {came} came where {right} is next");
        }
        assert_eq!(came.len(), there.len(), "records of a subscription");
        assert!(self.records == right, "the records differ from those that a read shows");
        for (through, came) in &self.told {
            let due = there.iter().filter(|position| Some(**position) <= *through).count();
            assert_eq!(*came, due, "records that had come when all up to {through:?} was told");
        }
    }
}

/// The outcome of the next batch, which must come soon and without an endless number of reads that find nothing.
pub(super) async fn next<F: Fixture, E>(
    follower: &mut dyn Follower<E>,
) -> Result<Batch<E>, SubscribeError> {
    soon_within::<F, _>(CALLS, "a batch of a subscription", follower.next()).await
}

fn places(page: &[Recorded<Bytes>]) -> Vec<SequencePosition> {
    page.iter().map(|record| record.position).collect()
}
