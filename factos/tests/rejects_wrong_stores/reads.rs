//! Stores that read wrongly.

use factos::{Bytes, Page, Query, ReadOptions, Recorded, SequencePosition, StreamName};

use crate::store_rules::{Rules, Show, arrange, limit};

/// `after` is inclusive.
pub(crate) struct AfterIsInclusive;

impl Rules for AfterIsInclusive {
    fn is_after(position: SequencePosition, after: SequencePosition) -> bool {
        position >= after
    }
}

/// `before` is inclusive.
pub(crate) struct BeforeIsInclusive;

impl Rules for BeforeIsInclusive {
    fn is_before(position: SequencePosition, before: SequencePosition) -> bool {
        position <= before
    }
}

/// Positions are signed: those that do not fit are negative.
pub(crate) struct PositionsWrap;

impl Rules for PositionsWrap {
    fn is_after(position: SequencePosition, after: SequencePosition) -> bool {
        position.get().cast_signed() > after.get().cast_signed()
    }

    fn is_before(position: SequencePosition, before: SequencePosition) -> bool {
        position.get().cast_signed() < before.get().cast_signed()
    }
}

/// Positions that do not fit a signed number are refused.
pub(crate) struct PositionsAreSigned;

impl Rules for PositionsAreSigned {
    const SHOW: Show = Show::Signed;
}

/// Reads backwards are not.
pub(crate) struct BackwardsIsIgnored;

impl Rules for BackwardsIsIgnored {
    fn arrange(page: Page, mut options: ReadOptions) -> Page {
        options.backwards = false;
        arrange(page, options)
    }
}

/// The first events are taken and then turned round.
pub(crate) struct LimitBeforeOrder;

impl Rules for LimitBeforeOrder {
    fn arrange(mut page: Page, options: ReadOptions) -> Page {
        page.truncate(limit(options));
        arrange(page, options)
    }
}

/// The limit counts what is looked at, not what matches.
pub(crate) struct LimitBeforeFilter;

impl Rules for LimitBeforeFilter {
    fn select(
        log: &[Recorded<Bytes>],
        wanted: &dyn Fn(&Recorded<Bytes>) -> bool,
        options: ReadOptions,
    ) -> Page {
        let looked_at = Self::within(log, options).cloned().collect();
        let mut page = arrange(looked_at, options);
        page.retain(|record| wanted(record));
        page
    }
}

/// A limit of 0 is no limit.
pub(crate) struct ZeroIsNoLimit;

impl Rules for ZeroIsNoLimit {
    fn arrange(page: Page, mut options: ReadOptions) -> Page {
        options.limit = options.limit.filter(|limit| *limit > 0);
        arrange(page, options)
    }
}

/// At most 1000 events are shown.
pub(crate) struct OnlyTheFirstPage;

impl Rules for OnlyTheFirstPage {
    fn arrange(page: Page, options: ReadOptions) -> Page {
        let mut page = arrange(page, options);
        page.truncate(1000);
        page
    }
}

/// Bounds that cross show what is between them.
pub(crate) struct BoundsAreSorted;

impl Rules for BoundsAreSorted {
    fn within(
        log: &[Recorded<Bytes>],
        options: ReadOptions,
    ) -> impl Iterator<Item = &Recorded<Bytes>> {
        let (after, before) = match (options.after, options.before) {
            (Some(after), Some(before)) => (Some(after.min(before)), Some(after.max(before))),
            bounds => bounds,
        };
        log.iter().filter(move |record| {
            after.is_none_or(|after| record.position > after)
                && before.is_none_or(|before| record.position < before)
        })
    }
}

/// Pages come from the log as it is by then.
pub(crate) struct LivePages;

impl Rules for LivePages {
    const SHOW: Show = Show::Live;
}

/// A read that is half done holds up every append.
pub(crate) struct ReadsLock;

impl Rules for ReadsLock {
    const SHOW: Show = Show::Locking;
}

/// `observed` is asked for after the records.
pub(crate) struct ObservedLater;

impl Rules for ObservedLater {
    const SHOW: Show = Show::ObservedLater;
}

/// `observed` is one position too far.
pub(crate) struct ObservedTooFar;

impl Rules for ObservedTooFar {
    fn observed(log: &[Recorded<Bytes>], _page: &Page) -> Option<SequencePosition> {
        log.last().map(|record| record.position.saturating_add(1))
    }
}

/// A read observes no further than its last record, and nothing if it shows none.
pub(crate) struct ObservedIsTheLastMatch;

impl Rules for ObservedIsTheLastMatch {
    fn observed(_log: &[Recorded<Bytes>], page: &Page) -> Option<SequencePosition> {
        page.iter().map(|record| record.position).max()
    }
}

/// A read of an empty log observes something.
pub(crate) struct ObservedInAnEmptyLog;

impl Rules for ObservedInAnEmptyLog {
    fn observed(log: &[Recorded<Bytes>], _page: &Page) -> Option<SequencePosition> {
        let last = log.last().map(|record| record.position);
        last.or(Some(SequencePosition::FIRST))
    }
}

/// The head is where the next event goes.
pub(crate) struct HeadIsTheNextPosition;

impl Rules for HeadIsTheNextPosition {
    fn head(log: &[Recorded<Bytes>]) -> Option<SequencePosition> {
        log.last().map(|record| record.position.saturating_add(1))
    }
}

/// A handle sees its own writes, and others' only with them.
pub(crate) struct OwnWritesOnly;

impl Rules for OwnWritesOnly {
    const SEES_OTHERS: bool = false;
}

/// One of an item's tags is enough.
pub(crate) struct AnyTagMatches;

impl Rules for AnyTagMatches {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let typed =
                    item.types().len() == 0 || item.types().any(|t| *t == record.event_type);
                let mut tags = item.tags().iter();
                typed && (item.tags().is_empty() || tags.any(|tag| record.tags.contains(tag)))
            })
        })
    }
}

/// An item with tags matches whatever the type.
pub(crate) struct TypesAreIgnored;

impl Rules for TypesAreIgnored {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let tagged = !item.tags().is_empty() && record.tags.contains_all(item.tags());
                tagged || item.matches(&record.event_type, &record.tags)
            })
        })
    }
}

/// Of an item's types, only the first counts.
pub(crate) struct OnlyTheFirstType;

impl Rules for OnlyTheFirstType {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let typed = item.types().next().is_none_or(|name| *name == record.event_type);
                typed && record.tags.contains_all(item.tags())
            })
        })
    }
}

/// Of a query's items, only the first counts.
pub(crate) struct OnlyTheFirstItem;

impl Rules for OnlyTheFirstItem {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        let first = query.items().and_then(<[_]>::first);
        first.is_none_or(|item| item.matches(&record.event_type, &record.tags))
    }
}

/// Only the first 100 items count.
pub(crate) struct ItemsAreCutOff;

impl Rules for ItemsAreCutOff {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            let mut items = items.iter().take(100);
            items.any(|item| item.matches(&record.event_type, &record.tags))
        })
    }
}

/// An event comes once for each item that it matches.
pub(crate) struct OncePerItem;

impl Rules for OncePerItem {
    fn select(
        log: &[Recorded<Bytes>],
        wanted: &dyn Fn(&Recorded<Bytes>) -> bool,
        options: ReadOptions,
    ) -> Page {
        // What an item is cannot be told here: an event of two tags stands for one that matches twice.
        let within = Self::within(log, options).filter(|record| wanted(record));
        let page =
            within.flat_map(|r| std::iter::repeat_n(r.clone(), 1 + usize::from(r.tags.len() == 2)));
        arrange(page.collect(), options)
    }
}

/// Tags match by their beginning.
pub(crate) struct TagsArePrefixes;

impl Rules for TagsArePrefixes {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        query.items().is_none_or(|items| {
            items.iter().any(|item| {
                let typed =
                    item.types().len() == 0 || item.types().any(|t| *t == record.event_type);
                let has = |wanted: &str| record.tags.iter().any(|tag| tag.starts_with(wanted));
                typed && item.tags().iter().all(has)
            })
        })
    }
}

/// Every event without tags is invisible to queries.
pub(crate) struct UntaggedIsInvisible;

impl Rules for UntaggedIsInvisible {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        !record.tags.is_empty() && query.matches(&record.event_type, &record.tags)
    }
}

/// Events of streams are seen by their streams alone.
pub(crate) struct StreamsAreApart;

impl Rules for StreamsAreApart {
    fn matches(query: &Query, record: &Recorded<Bytes>) -> bool {
        let wildcard = query.items().is_none();
        (wildcard || record.stream.is_none()) && query.matches(&record.event_type, &record.tags)
    }
}

/// Names of streams are equal whatever their case.
pub(crate) struct StreamsFoldCase;

impl Rules for StreamsFoldCase {
    fn is_of(stream: &StreamName, record: &Recorded<Bytes>) -> bool {
        let own = record.stream.as_ref();
        own.is_some_and(|own| own.as_str().eq_ignore_ascii_case(stream.as_str()))
    }
}
