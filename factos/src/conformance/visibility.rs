//! Cases of readers while others write: what they see.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join;

use super::{
    fixture::Fixture,
    pages::{expected, positions},
    parallel::{assert_alternate, at_once, handles, rethrown},
    sample_values::{event, query, stream},
    store_calls::{append, begin, begin_stream, head_of, rest, whole_log},
};
use crate::{
    append::NewEvent,
    events::Page,
    position::SequencePosition,
    query::{Query, QueryItem},
    read_options::ReadOptions,
    store::EventStore,
};

const ALL: ReadOptions = ReadOptions::all();
const HANDLES: usize = 4;
const WRITERS: usize = 10;
const APPENDS: usize = 40;
const BATCH: usize = 3;

/// How many appends a writer makes before it lets the readers read, and how often it does so.
const BETWEEN_READS: usize = 20;
const PAUSES: usize = APPENDS / BETWEEN_READS;

/// A follower of every event misses none and sees none twice, while others write.
pub async fn following_every_event_is_gapless<F: Fixture>(log: F) {
    following_is_gapless(log, Query::all()).await;
}

/// A follower of a type misses no event and sees none twice, while others write.
pub async fn following_a_type_is_gapless<F: Fixture>(log: F) {
    following_is_gapless(log, query(&["A"], &[])).await;
}

/// A follower of a tag misses no event and sees none twice, while others write.
pub async fn following_a_tag_is_gapless<F: Fixture>(log: F) {
    following_is_gapless(
        log,
        query(&[], &["writer:1"]).or(super::sample_values::item(&[], &["n:2"])),
    )
    .await;
}

/// No event appears at or below the position that a read of every event observed.
pub async fn nothing_appears_below_observed_of_all<F: Fixture>(log: F) {
    nothing_appears_below_observed(log, Query::all()).await;
}

/// No event of a type appears at or below the position that a read of the type observed.
pub async fn nothing_appears_below_observed_of_a_type<F: Fixture>(log: F) {
    nothing_appears_below_observed(log, query(&["B"], &[])).await;
}

/// No event of a tag appears at or below the position that a read of the tag observed.
pub async fn nothing_appears_below_observed_of_a_tag<F: Fixture>(log: F) {
    nothing_appears_below_observed(log, query(&[], &["n:1"])).await;
}

/// No event of any of three tags appears at or below the position that a read of all three observed, though each
/// event has one of them only.
pub async fn nothing_appears_below_observed_of_several_tags<F: Fixture>(log: F) {
    let tags = ["part:1", "part:2"].map(|tag| QueryItem::with_tag(tag.parse().unwrap()));
    let any = tags.into_iter().fold(query(&[], &["part:0"]), Query::or);
    nothing_appears_below(log, any, |writer| vec![event("A", &[&format!("part:{}", writer % 3)])])
        .await;
}

/// A reader never sees half a batch, whichever way it reads.
pub async fn a_batch_is_seen_whole<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let pace = Arc::new(Pace::default());
    let reader = tokio::spawn({
        let (store, pace) = (handles[3].clone(), pace.clone());
        async move {
            let reads = Reads { pace: &pace, reader: 0 };
            pace.ended(1);
            while !pace.is_done() {
                for events in [
                    begin(&store, &Query::all(), ALL).await,
                    begin(&store, &Query::all(), ALL.backwards()).await,
                    begin(&store, &query(&["A", "B", "C"], &[]), ALL).await,
                    begin_stream(&store, "shared", ALL).await,
                ] {
                    assert_whole(&rest(events).await);
                }
                reads.add_one();
            }
        }
    });
    write(&handles[..3], batch, &pace).await;
    reader.await.unwrap_or_else(rethrown);
    assert_whole(&whole_log(&handles[0]).await);
}

/// The head never steps back, and is never below an acknowledged write.
pub async fn the_head_never_steps_back<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let tasks = (0..WRITERS).map(|writer| {
        let (store, other) = (handles[writer % 4].clone(), handles[(writer + 1) % 4].clone());
        async move {
            let (mut least, mut appended) = (None, Vec::new());
            for _ in 0..20 {
                appended.extend(append(&store, batch(writer)).await);
                let written = appended[appended.len() - 1].position;
                for store in [&store, &other] {
                    let head = head_of(&store).await;
                    assert!(
                        head >= least.max(Some(written)),
                        "the head never steps back, and is not below an acknowledged write: {head:?}, \
                         and {written} and {least:?} were there"
                    );
                    least = head;
                }
                tokio::task::yield_now().await;
            }
            appended
        }
    });
    assert_alternate(&at_once(tasks).await);
}

async fn following_is_gapless<F: Fixture>(log: F, query: Query) {
    let handles = handles(&log, 4).await;
    let pace = Arc::new(Pace::default());
    let followers = [(3, 0), (0, 1)].map(|(handle, reader)| {
        tokio::spawn(follow(handles[handle].clone(), query.clone(), pace.clone(), reader))
    });
    write(&handles, batch, &pace).await;
    let wanted = positions(&expected(&whole_log(&handles[0]).await, &query, ALL));
    for follower in followers {
        let (seen, reads) = follower.await.unwrap_or_else(rethrown);
        let seen = positions(&seen);
        let found: HashSet<_> = seen.iter().collect();
        let missed: Vec<_> = wanted.iter().filter(|p| !found.contains(p)).collect();
        assert!(missed.is_empty(), "a follower misses no event, and this missed {missed:?}");
        let again = seen.windows(2).find(|pair| pair[0] >= pair[1]);
        assert_eq!(again, None, "a follower sees each event once, in the order of positions");
        let others = seen.len() - wanted.len();
        assert_eq!(others, 0, "a follower sees what matches, and no other event");
        assert!(reads >= PAUSES, "{reads} reads of a follower showed events: it came too late");
    }
}

/// All events that a follower reads, and how many reads showed some. Its last read begins after the
/// writers are done.
async fn follow(
    store: Arc<dyn EventStore>,
    query: Query,
    pace: Arc<Pace>,
    reader: usize,
) -> (Page, usize) {
    let (mut seen, mut cursor, mut shown) = (Vec::new(), None, 0);
    let reads = Reads { pace: &pace, reader };
    loop {
        let last = pace.is_done();
        let events = begin(&store, &query, ALL.after(cursor)).await;
        let observed = events.observed();
        assert!(
            observed >= cursor,
            "what reads observe never steps back: {observed:?}, after {cursor:?}"
        );
        let page = rest(events).await;
        shown += usize::from(!page.is_empty());
        seen.extend(page);
        cursor = observed;
        reads.add_one();
        if last {
            return (seen, shown);
        }
        let nap = Duration::from_millis(20);
        if let Ok(woken) = tokio::time::timeout(nap, store.wait_past(cursor)).await {
            woken.unwrap_or_else(|error| panic!("a wait for an event failed: {error:?}"));
        }
    }
}

async fn nothing_appears_below_observed<F: Fixture>(log: F, query: Query) {
    nothing_appears_below(log, query, batch).await;
}

async fn nothing_appears_below<F: Fixture>(log: F, query: Query, made: MakeBatch) {
    let handles = handles(&log, HANDLES).await;
    let pace = Arc::new(Pace::default());
    let watchers = [(3, 0), (0, 1)].map(|(handle, reader)| {
        tokio::spawn(watch(handles[handle].clone(), query.clone(), pace.clone(), reader))
    });
    write(&handles, made, &pace).await;
    let matching = positions(&expected(&whole_log(&handles[0]).await, &query, ALL));
    for watcher in watchers {
        let seen = watcher.await.unwrap_or_else(rethrown);
        assert!(seen.len() >= PAUSES, "the watcher came too late: {seen:?}");
        for (observed, shown) in seen {
            let complete = matching.iter().filter(|position| Some(**position) <= observed).count();
            assert_eq!(
                shown, complete,
                "no event appears at or below what a read observed: matching events up to {observed:?}, \
                 then and now"
            );
        }
    }
}

/// The position that each read observed and how many events it showed, until the writers are done. Of
/// successive reads with the same result, only the first is kept.
async fn watch(
    store: Arc<dyn EventStore>,
    query: Query,
    pace: Arc<Pace>,
    reader: usize,
) -> Vec<(Option<SequencePosition>, usize)> {
    let mut seen = Vec::new();
    let reads = Reads { pace: &pace, reader };
    while !pace.is_done() {
        let events = begin(&store, &query, ALL).await;
        let observed = events.observed();
        let shown = positions(&rest(events).await);
        assert!(
            shown.last().copied() <= observed,
            "a read shows nothing past what it observed: {:?}, and {observed:?}",
            shown.last()
        );
        reads.add_one();
        if seen.last() != Some(&(observed, shown.len())) {
            seen.push((observed, shown.len()));
            tokio::task::yield_now().await;
            continue;
        }
        let nap = Duration::from_millis(5);
        if let Ok(woken) = tokio::time::timeout(nap, store.wait_past(observed)).await {
            woken.unwrap_or_else(|error| panic!("a wait for an event failed: {error:?}"));
        }
    }
    seen
}

/// Keeps the writers from being done before the readers have read beside them.
#[derive(Default)]
struct Pace {
    done: AtomicBool,
    /// How many reads of each reader have ended.
    reads: [AtomicU64; 2],
}

impl Pace {
    fn is_done(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }

    /// The writers wait for this reader no longer.
    fn ended(&self, reader: usize) {
        self.reads[reader].store(u64::MAX, Ordering::SeqCst);
    }

    /// Waits until each reader has begun and ended a read.
    async fn let_read(&self) {
        let reads = || self.reads.each_ref().map(|reads| reads.load(Ordering::SeqCst));
        let wanted = reads().map(|reads| reads.saturating_add(2));
        while reads().iter().zip(&wanted).any(|(reads, wanted)| reads < wanted) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// The reads of one reader.
struct Reads<'a> {
    pace: &'a Pace,
    reader: usize,
}

impl Reads<'_> {
    fn add_one(&self) {
        self.pace.reads[self.reader].fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        self.pace.ended(self.reader);
    }
}

/// The batch that a writer appends next.
type MakeBatch = fn(usize) -> Vec<NewEvent>;

/// Many writers append, at times two batches at once, and let the readers read from time to time.
async fn write(handles: &[Arc<dyn EventStore>], batch: MakeBatch, pace: &Arc<Pace>) {
    let tasks = (0..WRITERS).map(|writer| {
        let (store, pace) = (handles[writer % handles.len()].clone(), pace.clone());
        async move {
            for n in 0..APPENDS {
                if n % BETWEEN_READS == BETWEEN_READS - 1 {
                    pace.let_read().await;
                }
                append(&store, batch(writer)).await;
                if n % 8 == 0 {
                    let (one, two) = (append(&store, batch(writer)), append(&store, batch(writer)));
                    join(one, two).await;
                }
            }
        }
    });
    at_once(tasks).await;
    pace.done.store(true, Ordering::SeqCst);
}

/// One event of each type, all with a tag that only this batch has. Every third writer writes to a
/// shared stream, so that a store may put these in order by a lock on the stream alone; the others
/// write to no stream that a store could lock.
fn batch(writer: usize) -> Vec<NewEvent> {
    let own = format!("batch:{}", crate::EventId::new());
    let tag = format!("writer:{writer}");
    let numbered = [("A", "n:0"), ("B", "n:1"), ("C", "n:2")];
    let one = |(name, n)| {
        let mut event = event(name, &[&own, &tag, n]);
        event.stream = writer.is_multiple_of(3).then(|| stream("shared"));
        event
    };
    numbered.map(one).into()
}

fn assert_whole(page: &Page) {
    let mut batches = std::collections::HashMap::new();
    for record in page {
        let Some(own) = record.tags.values("batch").next() else {
            panic!("a record has the tags of its event, and this has no batch: {record:?}");
        };
        *batches.entry(own).or_insert(0) += 1;
    }
    let half = batches.into_iter().find(|(_, events)| *events != BATCH);
    assert_eq!(half, None, "a batch is seen whole, with {BATCH} events, or not at all");
}
