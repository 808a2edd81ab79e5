//! A subscriber that reads page by page, by rules of which a wrong one breaks one.

use std::marker::PhantomData;

use async_trait::async_trait;
use factos::{
    Batch, Bytes, EventStore, Query, ReadOptions, Recorded, SequencePosition, SubscribeError,
    Undecodable, Unknown,
    conformance::{Follower, Subscriber, Word},
    decode,
};

/// Which position a batch tells.
#[derive(PartialEq)]
pub(crate) enum Through {
    Right,
    Observed,
    LastRecord,
    LaterHead,
}

/// Every default is right.
pub(crate) trait Rules: Send + Sync + 'static {
    const THROUGH: Through = Through::Right;
    const GAP: bool = false;
    const REPEATS: bool = false;
    const LOSES: bool = false;
    const LIVE_AGAIN: bool = false;
    const LIVE_AT_ONCE: bool = false;
    const LIVE_IF_EMPTY: bool = true;
    const REFUSES_ABOVE: bool = true;
    const PAGES: bool = true;
    const STARTS_AGAIN: bool = false;
    const ERROR_IS_END: bool = false;
    const PASSES: bool = false;
    const GIVES_BEFORE: bool = true;
    const COUNTS: bool = true;
    const MAY_FAIL: bool = true;
}

pub(crate) struct ByRules<R>(PhantomData<R>);

impl<R: Rules> Subscriber for ByRules<R> {
    fn follow<'a>(
        store: &'a dyn EventStore,
        query: Query,
        from: Option<SequencePosition>,
        page: usize,
    ) -> Box<dyn Follower + 'a> {
        Box::new(Following::<R>::new(store, query, from, page))
    }

    fn follow_words<'a>(
        store: &'a dyn EventStore,
        from: Option<SequencePosition>,
        page: usize,
        unknown: Unknown,
    ) -> Box<dyn Follower<Word> + 'a> {
        let following = Following::<R>::new(store, Query::all(), from, page);
        Box::new(Words { following, unknown })
    }
}

struct Following<'a, R> {
    store: &'a dyn EventStore,
    query: Query,
    page: usize,
    /// Where to read on, which is not what was told last if a rule is broken.
    after: Option<SequencePosition>,
    told: Option<SequencePosition>,
    has_caught_up: bool,
    is_live: bool,
    last: Option<Recorded<Bytes>>,
    rules: PhantomData<R>,
}

impl<'a, R: Rules> Following<'a, R> {
    fn new(
        store: &'a dyn EventStore,
        query: Query,
        from: Option<SequencePosition>,
        page: usize,
    ) -> Self {
        let (after, told) = (from, from);
        let rules = PhantomData;
        let (has_caught_up, is_live, last) = (false, false, None);
        Self { store, query, page, after, told, has_caught_up, is_live, last, rules }
    }

    async fn next_batch(&mut self) -> Result<Batch, SubscribeError> {
        loop {
            if self.has_caught_up {
                self.store.wait_past(self.after).await?;
            }
            let after = self.after;
            let (mut records, observed, is_cut) = self.read(after).await?;
            let read_to = match records.last() {
                Some(last) if is_cut => Some(last.position),
                _ => observed.max(after),
            };
            if R::LOSES {
                self.after = read_to;
            }
            // A right one may be dropped here.
            tokio::task::yield_now().await;
            let through = match R::THROUGH {
                Through::Right => read_to,
                Through::Observed => observed.max(after),
                Through::LastRecord => records.last().map_or(self.told, |last| Some(last.position)),
                Through::LaterHead if is_cut => read_to,
                Through::LaterHead => self.store.head().await?.max(after),
            };
            let starts_live = !is_cut && !self.has_caught_up;
            if R::REPEATS && self.has_caught_up {
                records.splice(0..0, self.last.take());
            }
            let is_empty = records.is_empty() && through == self.told;
            let after = if R::GAP && starts_live { self.store.head().await? } else { read_to };
            self.after = after;
            self.last = if starts_live { records.last().cloned() } else { None };
            self.has_caught_up |= !is_cut;
            let is_silent = is_empty && (!starts_live || (through.is_none() && !R::LIVE_IF_EMPTY));
            if is_silent {
                continue;
            }
            self.told = through;
            let is_first = !self.is_live && R::LIVE_AT_ONCE;
            let is_live = if R::LIVE_AT_ONCE {
                is_first
            } else {
                !is_cut && (!self.is_live || R::LIVE_AGAIN)
            };
            self.is_live |= is_live;
            return Ok(Batch::new(records, through, is_live, 0));
        }
    }

    /// One page: its records, what was observed, and whether the limit cut it.
    async fn read(
        &mut self,
        after: Option<SequencePosition>,
    ) -> Result<(Vec<Recorded<Bytes>>, Option<SequencePosition>, bool), SubscribeError> {
        let mut options = ReadOptions::all().after(after);
        if R::PAGES {
            options = options.limit(self.page as u64);
        }
        let mut events = self.store.read(&self.query, options).await?;
        let observed = events.observed();
        if let Some(from) = after.filter(|after| R::REFUSES_ABOVE && observed < Some(*after)) {
            return Err(SubscribeError::AboveHead { from, head: observed });
        }
        let mut records = Vec::new();
        while let Some(record) = events.next().await {
            match record {
                Ok(record) => records.push(record),
                Err(_) if R::ERROR_IS_END => break,
                Err(error) => {
                    if R::STARTS_AGAIN {
                        self.after = None;
                    }
                    return Err(error.into());
                }
            }
        }
        let is_cut = R::PAGES && records.len() == self.page;
        Ok((records, observed, is_cut))
    }
}

#[async_trait]
impl<R: Rules> Follower for Following<'_, R> {
    async fn next(&mut self) -> Result<Batch, SubscribeError> {
        self.next_batch().await
    }
}

struct Words<'a, R> {
    following: Following<'a, R>,
    unknown: Unknown,
}

#[async_trait]
impl<R: Rules> Follower<Word> for Words<'_, R> {
    async fn next(&mut self) -> Result<Batch<Word>, SubscribeError> {
        let (after, told) = (self.following.after, self.following.told);
        let (caught_up, live) = (self.following.has_caught_up, self.following.is_live);
        let batch = self.following.next_batch().await?;
        let (mut words, mut skipped, mut through) = (Vec::new(), 0, None);
        for record in batch.records {
            let position = Some(record.position);
            match decode::<Word>(record) {
                Ok(word) => words.push(word),
                Err(error)
                    if matches!(error.cause, Undecodable::UnknownType)
                        && (self.unknown == Unknown::Skip || !R::MAY_FAIL) =>
                {
                    skipped += u64::from(R::COUNTS);
                }
                Err(error) => {
                    let is_first = through.is_none();
                    let following = &mut self.following;
                    (following.has_caught_up, following.is_live) = (caught_up, live);
                    if is_first || !R::GIVES_BEFORE {
                        let passed = if R::PASSES { position } else { after };
                        (following.after, following.told) = (passed, told);
                        return Err(error.into());
                    }
                    (following.after, following.told) = (through, through);
                    return Ok(Batch::new(words, through, false, skipped));
                }
            }
            through = position;
        }
        Ok(Batch::new(words, batch.through, batch.is_live, skipped))
    }
}
