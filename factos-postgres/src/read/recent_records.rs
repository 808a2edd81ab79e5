//! What was read a moment ago of boundaries that commands compete for, or that many read: each read asks only for what came
//! since.
//!
//! All that a read returns lies at or below its horizon, and nothing can appear or change there. So the next read of the same
//! selection may begin where this one ended.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use factos::{Bytes, Page, Recorded};

use super::{page_size::bytes_of, selection::Selection};
use crate::wire;

/// For how long records are kept.
pub(super) const TERM: Duration = Duration::from_secs(1);

/// About how many bytes are kept at most, and of how many selections.
const MOST_BYTES: u64 = 8 << 20;
const MOST_STRETCHES: usize = 64;

/// How many records a page takes before the next one begins.
const PAGE: usize = 256;

/// How many reads make use of a stretch within its term if many read it.
const MANY: usize = 16;

/// A stretch of the log for each selection.
#[derive(Debug, Default)]
pub(super) struct RecentRecords {
    stretches: Mutex<HashMap<Selection, Stretch>>,
    /// How many there are. Where there are none, nothing is locked.
    count: AtomicUsize,
}

/// Records that follow a position: all of a selection up to another one.
#[derive(Debug, Default)]
pub(crate) struct Known {
    after: u64,
    pub(super) through: u64,
    pages: Vec<Arc<Page>>,
}

/// All records of a selection above `low`, up to `high`.
#[derive(Debug)]
struct Stretch {
    since: Instant,
    /// The run of the server that they were read from.
    run: wire::Time,
    low: u64,
    high: u64,
    pages: VecDeque<Arc<Page>>,
    bytes: u64,
    /// How many reads made use of it.
    uses: usize,
    /// Whether its first records were given up, as they are too many.
    is_trimmed: bool,
}

impl Known {
    /// Its records, some at a time.
    pub(super) fn into_pages(self) -> impl Iterator<Item = Page> + Send {
        self.pages.into_iter().map(move |page| above(&page, self.after).to_vec())
    }
}

fn above(page: &Page, low: u64) -> &[Recorded<Bytes>] {
    &page[page.partition_point(|record| record.position.get() <= low)..]
}

impl RecentRecords {
    /// Whether others want the selection: its records are kept, or they were used by many until a moment ago.
    pub(super) fn is_wanted(&self, selection: &Selection) -> bool {
        self.count.load(Ordering::Relaxed) > 0
            && self.lock().get(selection).is_some_and(Stretch::is_young)
    }

    /// What a read of a run of the server need not ask for again.
    pub(super) fn after(
        &self,
        after: u64,
        selection: &Selection,
        run: wire::Time,
    ) -> Option<Known> {
        let mut stretches = self.lock();
        let stretch = stretches.get_mut(selection).filter(|stretch| stretch.is_of(run))?;
        if !(stretch.low..=stretch.high).contains(&after) {
            return None;
        }
        stretch.uses += 1;
        let pages = stretch.pages.iter().filter(|page| !above(page, after).is_empty());
        Some(Known { after, through: stretch.high, pages: pages.cloned().collect() })
    }

    /// These are all records of the selection above `low`, up to `high`. Whether they are the first that are kept of it:
    /// forget them after their [term](TERM).
    pub(super) fn learn(
        &self,
        selection: &Selection,
        run: wire::Time,
        (low, high): (u64, u64),
        page: &Page,
    ) -> bool {
        let mut stretches = self.lock();
        let known = stretches.get_mut(selection).filter(|stretch| stretch.is_of(run));
        let begins = match known {
            Some(stretch) if (stretch.low..=stretch.high).contains(&low) => {
                stretch.extend(page, high);
                false
            }
            Some(stretch) if stretch.low < low || stretch.is_trimmed => return false,
            _ => {
                let mut stretch = Stretch::new(run, low);
                stretch.extend(page, high);
                stretches.insert(selection.clone(), stretch);
                true
            }
        };
        shrink(&mut stretches, selection);
        self.count(&stretches);
        begins
    }

    /// Gives up what is older than its [term](TERM). What many have read is read anew.
    pub(super) fn forget_old(&self) {
        let mut stretches = self.lock();
        stretches.retain(|_, stretch| stretch.is_young() || stretch.begin_again());
        self.count(&stretches);
    }

    fn count(&self, stretches: &HashMap<Selection, Stretch>) {
        self.count.store(stretches.len(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Selection, Stretch>> {
        self.stretches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives up what is more than may be kept: other selections first, the oldest of them before the others.
fn shrink(stretches: &mut HashMap<Selection, Stretch>, last: &Selection) {
    let is_too_much = |stretches: &HashMap<_, Stretch>| {
        let bytes: u64 = stretches.values().map(|stretch| stretch.bytes).sum();
        bytes > MOST_BYTES || stretches.len() > MOST_STRETCHES
    };
    while is_too_much(stretches) {
        let others = stretches.iter().filter(|(selection, _)| *selection != last);
        let oldest = others.min_by_key(|(_, stretch)| stretch.since);
        match oldest.map(|(selection, _)| selection.clone()) {
            Some(oldest) => drop(stretches.remove(&oldest)),
            None => stretches.values_mut().for_each(Stretch::trim),
        }
    }
}

impl Stretch {
    fn new(run: wire::Time, low: u64) -> Self {
        let (since, pages) = (Instant::now(), VecDeque::new());
        Self { since, run, low, high: low, pages, bytes: 0, uses: 0, is_trimmed: false }
    }

    /// Holds nothing any more. Whether many made use of it, and so somebody will want to begin it again.
    fn begin_again(&mut self) -> bool {
        let is_read_by_many = self.uses >= MANY;
        *self = Self::new(self.run, u64::MAX);
        is_read_by_many
    }

    fn is_of(&self, run: wire::Time) -> bool {
        self.run == run && self.is_young()
    }

    fn is_young(&self) -> bool {
        self.since.elapsed() < TERM
    }

    fn extend(&mut self, page: &Page, high: u64) {
        let new = above(page, self.high);
        self.high = self.high.max(high);
        self.bytes += new.iter().map(bytes_of).sum::<u64>();
        match self.pages.back_mut() {
            Some(last) if last.len() < PAGE => Arc::make_mut(last).extend_from_slice(new),
            _ if new.is_empty() => {}
            _ => self.pages.push_back(Arc::new(new.to_vec())),
        }
    }

    /// Gives up its first page.
    fn trim(&mut self) {
        let Some(first) = self.pages.pop_front() else { return };
        self.bytes -= first.iter().map(bytes_of).sum::<u64>();
        self.low = first.last().map_or(self.low, |last| last.position.get());
        self.is_trimmed = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use factos::{EventType, NewEvent, SequencePosition, StreamName, backend::record};

    use super::*;

    const RUN: wire::Time = wire::Time(1);

    fn selection(n: u64) -> Selection {
        Selection::Stream(StreamName::new(format!("s{n}")).unwrap())
    }

    fn page_of(positions: impl IntoIterator<Item = u64>, payload: usize) -> Page {
        let record = |position| {
            let event = NewEvent::new(EventType::from_static("sold"), vec![b' '; payload]);
            record(event, SequencePosition::new(position).unwrap(), None, SystemTime::UNIX_EPOCH)
        };
        positions.into_iter().map(record).collect()
    }

    fn page(positions: impl IntoIterator<Item = u64>) -> Page {
        page_of(positions, 10)
    }

    /// How far it is known, and the positions of the records that are.
    fn after(records: &RecentRecords, after: u64) -> Option<(u64, Vec<u64>)> {
        let known = records.after(after, &selection(0), RUN)?;
        let through = known.through;
        Some((through, known.into_pages().flatten().map(|record| record.position.get()).collect()))
    }

    fn age(records: &RecentRecords) {
        records.lock().values_mut().for_each(|stretch| stretch.since -= TERM);
    }

    #[test]
    fn a_read_goes_on_where_the_one_before_it_ended() {
        let (records, one) = (RecentRecords::default(), selection(0));
        assert_eq!(after(&records, 0), None);
        assert!(records.learn(&one, RUN, (0, 5), &page([3, 5])), "it begins");
        assert!(!records.learn(&one, RUN, (5, 9), &page([7])), "it goes on");
        assert_eq!(after(&records, 0), Some((9, vec![3, 5, 7])));
        assert_eq!(after(&records, 4), Some((9, vec![5, 7])));
        assert_eq!(after(&records, 9), Some((9, vec![])));
        assert_eq!(after(&records, 10), None, "nothing is known beyond");
        // What others have read meanwhile is not taken twice, and what does not follow is not taken.
        records.learn(&one, RUN, (4, 12), &page([5, 7, 11]));
        records.learn(&one, RUN, (5, 7), &page([7]));
        records.learn(&one, RUN, (13, 20), &page([15]));
        assert_eq!(after(&records, 0), Some((12, vec![3, 5, 7, 11])));
        records.learn(&one, RUN, (12, 600), &page(101..=600));
        records.learn(&one, RUN, (600, 602), &page([601, 602]));
        let all: Vec<_> = [3, 5, 7, 11].into_iter().chain(101..=602).collect();
        assert_eq!(after(&records, 0), Some((602, all.clone())));
        assert_eq!(after(&records, 300), Some((602, all[204..].to_vec())));
    }

    #[test]
    fn another_selection_or_run_of_the_server_knows_nothing_of_it() {
        let records = RecentRecords::default();
        let restarted = wire::Time(2);
        records.learn(&selection(0), RUN, (0, 5), &page([3]));
        assert!(records.after(0, &selection(1), RUN).is_none());
        assert!(records.after(0, &selection(0), restarted).is_none());
        assert!(records.learn(&selection(0), restarted, (5, 9), &page([7])), "it begins anew");
        assert_eq!(after(&records, 0), None);
        let known = records.after(5, &selection(0), restarted).unwrap();
        assert_eq!((known.through, known.into_pages().flatten().count()), (9, 1));
    }

    #[test]
    fn a_read_from_further_back_begins_anew() {
        let (records, one) = (RecentRecords::default(), selection(0));
        records.learn(&one, RUN, (6, 9), &page([7]));
        assert!(records.learn(&one, RUN, (0, 3), &page([3])));
        assert_eq!(after(&records, 6), None, "there is a gap between the two");
        assert_eq!(after(&records, 0), Some((3, vec![3])));
    }

    #[test]
    fn nothing_is_kept_for_longer_than_its_term_and_what_many_read_is_read_anew() {
        let (records, one) = (RecentRecords::default(), selection(0));
        records.learn(&one, RUN, (0, 5), &page([3]));
        assert!(records.is_wanted(&one));
        age(&records);
        assert_eq!((after(&records, 0), records.is_wanted(&one)), (None, false));
        records.forget_old();
        assert!(records.lock().is_empty());
        records.learn(&one, RUN, (0, 5), &page([3]));
        for _ in 0..MANY {
            assert!(after(&records, 0).is_some());
        }
        age(&records);
        records.forget_old();
        assert_eq!((after(&records, 0), records.is_wanted(&one)), (None, true));
        assert!(records.learn(&one, RUN, (0, 6), &page([3, 6])));
        assert_eq!(after(&records, 0), Some((6, vec![3, 6])));
        for _ in 0..2 {
            age(&records);
            records.forget_old();
        }
        assert!(records.lock().is_empty() && !records.is_wanted(&one));
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        let bytes = |records: &RecentRecords| {
            records.lock().values().map(|stretch| stretch.bytes).sum::<u64>()
        };
        let records = RecentRecords::default();
        for n in 0..100 {
            records.learn(&selection(n), RUN, (0, 5), &page([3]));
        }
        assert_eq!(records.lock().len(), MOST_STRETCHES);
        assert!(records.lock().contains_key(&selection(99)));
        // The first records of one that is too long: a read from its beginning does not take the rest away.
        for n in 0..20 {
            let next = page_of(n * 512 + 1..=n * 512 + 512, 4096);
            records.learn(&selection(0), RUN, (n * 512, n * 512 + 512), &next);
            assert!(bytes(&records) <= MOST_BYTES);
        }
        assert_eq!(records.lock().len(), 1);
        records.learn(&selection(0), RUN, (0, 256), &page(1..=256));
        assert_eq!(after(&records, 0), None);
        assert_eq!(after(&records, 10_000), Some((10_240, (10_001..=10_240).collect())));
    }
}
