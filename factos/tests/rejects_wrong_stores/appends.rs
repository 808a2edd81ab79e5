//! Stores that write or refuse wrongly.

use std::{collections::HashSet, time::SystemTime};

use factos::{
    AppendCondition, AppendError, Bytes, EventType, Limits, Metadata, NewEvent, Page, Query,
    Recorded, Revision, SequencePosition, StreamName, Tag,
};

use crate::store_rules::{Commit, OnDrop, Rules, duplicate, refusal, wrong_revision};

/// The log is in the order of ids.
pub(crate) struct OrderedById;

impl Rules for OrderedById {
    fn place(log: &mut Vec<Recorded<Bytes>>, mut batch: Page) {
        let positions: Vec<_> = batch.iter().map(|record| record.position).collect();
        batch.sort_by_key(|record| record.id);
        for (record, position) in batch.iter_mut().zip(positions) {
            record.position = position;
        }
        log.extend(batch);
    }
}

/// All events of a batch have one position.
pub(crate) struct OnePositionForABatch;

impl Rules for OnePositionForABatch {
    fn place(log: &mut Vec<Recorded<Bytes>>, mut batch: Page) {
        let first = batch[0].position;
        batch.iter_mut().for_each(|record| record.position = first);
        log.extend(batch);
    }
}

/// An append returns its records in reverse.
pub(crate) struct ReturnsInReverse;

impl Rules for ReturnsInReverse {
    fn returned(mut records: Page) -> Page {
        records.reverse();
        records
    }
}

/// An append returns another time than it stored.
pub(crate) struct ReturnsAnotherTime;

impl Rules for ReturnsAnotherTime {
    fn returned(mut records: Page) -> Page {
        for record in &mut records {
            record.recorded_at += std::time::Duration::from_micros(1);
        }
        records
    }
}

/// Times are as fine as the clock.
pub(crate) struct TimesAreFiner;

impl Rules for TimesAreFiner {
    fn now() -> SystemTime {
        let now = SystemTime::now();
        let nanos = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
        now + std::time::Duration::from_nanos(u64::from(nanos.is_multiple_of(1000)))
    }
}

/// Versions have 16 bits.
pub(crate) struct VersionsAreCut;

impl Rules for VersionsAreCut {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.version &= 0xFFFF;
        record
    }
}

/// Payloads are text.
pub(crate) struct PayloadsAreText;

impl Rules for PayloadsAreText {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.event = String::from_utf8_lossy(&record.event).into_owned().into();
        record
    }
}

/// Line breaks in metadata are normalised.
pub(crate) struct MetadataIsNormalised;

impl Rules for MetadataIsNormalised {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let lines: Vec<_> =
            record.metadata.iter().map(|(k, v)| (k.to_owned(), v.replace("\r\n", "\n"))).collect();
        for (key, value) in lines {
            let _replaced = record.metadata.insert(&key, &value);
        }
        record
    }
}

/// Metadata is forgotten.
pub(crate) struct MetadataIsLost;

impl Rules for MetadataIsLost {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.metadata = Metadata::new();
        record
    }
}

/// At most 60 tags are kept.
pub(crate) struct TagsAreCutOff;

impl Rules for TagsAreCutOff {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        record.tags = record.tags.iter().take(60).filter_map(|tag| Tag::parse(tag).ok()).collect();
        record
    }
}

/// Types are composed, as if texts were equal that look the same.
pub(crate) struct UnicodeIsComposed;

impl Rules for UnicodeIsComposed {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let composed = record.event_type.as_str().replace("e\u{301}", "\u{e9}");
        record.event_type = EventType::new(composed).unwrap_or(record.event_type);
        record
    }
}

/// Types are cut to 200 bytes.
pub(crate) struct LongNamesAreCut;

impl Rules for LongNamesAreCut {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let cut: String = record.event_type.as_str().chars().take(50).collect();
        record.event_type = EventType::new(cut).unwrap_or(record.event_type);
        record
    }
}

/// Ids become version 7, whatever they were.
pub(crate) struct IdsAreForced;

impl Rules for IdsAreForced {
    fn kept(mut record: Recorded<Bytes>) -> Recorded<Bytes> {
        let mut bytes = record.id.to_bytes();
        bytes[6] = 0x70 | (bytes[6] & 0x0F);
        record.id = factos::EventId::from_bytes(bytes);
        record
    }
}

/// An empty batch is accepted.
pub(crate) struct EmptyIsAccepted;

impl Rules for EmptyIsAccepted {
    fn admit(events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        if events.is_empty() { Ok(()) } else { Self::LIMITS.check(events, condition) }
    }
}

/// Half of every limit.
pub(crate) struct LimitsAreHalved;

impl Rules for LimitsAreHalved {
    const LIMITS: Limits = Limits {
        payload_bytes: Limits::FLOOR.payload_bytes / 2,
        tags_per_event: Limits::FLOOR.tags_per_event / 2,
        events_per_batch: Limits::FLOOR.events_per_batch / 2,
        batch_bytes: Limits::FLOOR.batch_bytes / 2,
        items_per_query: Limits::FLOOR.items_per_query / 2,
    };
}

/// Ids may stand twice.
pub(crate) struct DuplicatesAreAccepted;

impl Rules for DuplicatesAreAccepted {
    fn check_ids(_: &[Recorded<Bytes>], _: usize, _: &[NewEvent]) -> Result<(), AppendError> {
        Ok(())
    }
}

/// Ids may stand twice in a batch.
pub(crate) struct DuplicatesInABatch;

impl Rules for DuplicatesInABatch {
    fn check_ids(
        log: &[Recorded<Bytes>],
        _since: usize,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        let taken: HashSet<_> = log.iter().map(|record| record.id).collect();
        match events.iter().find(|event| taken.contains(&event.id)) {
            Some(event) => Err(duplicate(event.id)),
            None => Ok(()),
        }
    }
}

/// A handle knows only the ids that came after it.
pub(crate) struct OldIdsAreForgotten;

impl Rules for OldIdsAreForgotten {
    fn check_ids(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        let mut taken: HashSet<_> = log[since..].iter().map(|record| record.id).collect();
        match events.iter().find(|event| !taken.insert(event.id)) {
            Some(event) => Err(duplicate(event.id)),
            None => Ok(()),
        }
    }
}

/// The condition is looked at before the ids.
pub(crate) struct ConditionBeforeIds;

impl Rules for ConditionBeforeIds {
    fn check(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        Self::check_condition(log, since, events, condition)?;
        Self::check_ids(log, since, events)
    }
}

/// What was written of a batch stays when a later event is refused.
pub(crate) struct TornBatches;

impl Rules for TornBatches {
    const COMMIT: Commit = Commit::Torn;

    fn admit(_: &[NewEvent], _: &AppendCondition) -> Result<(), AppendError> {
        Ok(())
    }
}

/// Conditions are not looked at.
pub(crate) struct ConditionIsIgnored;

impl Rules for ConditionIsIgnored {
    fn check_condition(
        _: &[Recorded<Bytes>],
        _: usize,
        _: &[NewEvent],
        _: &AppendCondition,
    ) -> Result<(), AppendError> {
        Ok(())
    }
}

/// `after` of a condition is inclusive.
pub(crate) struct ConditionAfterIsInclusive;

impl Rules for ConditionAfterIsInclusive {
    fn counts(position: SequencePosition, after: Option<SequencePosition>) -> bool {
        Some(position) >= after
    }
}

/// `after` of a condition is not looked at.
pub(crate) struct ConditionAfterIsIgnored;

impl Rules for ConditionAfterIsIgnored {
    fn counts(_: SequencePosition, _: Option<SequencePosition>) -> bool {
        true
    }
}

/// `after` of a condition is signed.
pub(crate) struct ConditionAfterWraps;

impl Rules for ConditionAfterWraps {
    fn counts(position: SequencePosition, after: Option<SequencePosition>) -> bool {
        let after = after.map_or(0, SequencePosition::get).cast_signed();
        position.get().cast_signed() > after
    }
}

/// A condition without `after` always holds.
pub(crate) struct NoAfterAlwaysHolds;

impl Rules for NoAfterAlwaysHolds {
    fn counts(position: SequencePosition, after: Option<SequencePosition>) -> bool {
        after.is_some_and(|after| position > after)
    }
}

/// Only the last ten events are looked at.
pub(crate) struct OldMatchesDoNotCount;

impl Rules for OldMatchesDoNotCount {
    fn check_query(
        log: &[Recorded<Bytes>],
        _since: usize,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<(), AppendError> {
        let recent = log.len().saturating_sub(10);
        let refuses =
            |r: &&Recorded<Bytes>| Self::counts(r.position, after) && Self::guards(query, r);
        match log[recent..].iter().find(refuses) {
            Some(record) => Err(refusal(query.clone(), after, record.position)),
            None => Ok(()),
        }
    }
}

/// A condition counts only what came after its handle.
pub(crate) struct ConditionSinceOpening;

impl Rules for ConditionSinceOpening {
    fn check_query(
        log: &[Recorded<Bytes>],
        since: usize,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<(), AppendError> {
        let refuses =
            |r: &&Recorded<Bytes>| Self::counts(r.position, after) && Self::guards(query, r);
        match log[since..].iter().find(refuses) {
            Some(record) => Err(refusal(query.clone(), after, record.position)),
            None => Ok(()),
        }
    }
}

/// Any event breaks any condition.
pub(crate) struct EveryEventConflicts;

impl Rules for EveryEventConflicts {
    fn guards(_: &Query, _: &Recorded<Bytes>) -> bool {
        true
    }
}

/// One of an item's tags is enough to break a condition.
pub(crate) struct AnyTagConflicts;

impl Rules for AnyTagConflicts {
    fn guards(query: &Query, record: &Recorded<Bytes>) -> bool {
        crate::reads::AnyTagMatches::matches(query, record)
    }
}

/// Only the first item of a condition counts.
pub(crate) struct OnlyTheFirstItemConflicts;

impl Rules for OnlyTheFirstItemConflicts {
    fn guards(query: &Query, record: &Recorded<Bytes>) -> bool {
        crate::reads::OnlyTheFirstItem::matches(query, record)
    }
}

/// The batch breaks its own condition.
pub(crate) struct TheBatchConflicts;

impl Rules for TheBatchConflicts {
    fn check_condition(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                let matches = |event: &NewEvent| query.matches(&event.event_type, &event.tags);
                if events.iter().any(matches) {
                    return Err(refusal(query.clone(), *after, SequencePosition::FIRST));
                }
                Self::check_query(log, since, query, *after)
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let actual = Self::revision(log, since, stream);
                Self::check_revision(stream, *revision, actual)
            }
        }
    }
}

/// A refusal leaves out `after`, and names the head.
pub(crate) struct RefusalsAreVague;

impl Rules for RefusalsAreVague {
    fn refusal(query: &Query, _: Option<SequencePosition>, _: SequencePosition) -> AppendError {
        refusal(query.clone(), None, SequencePosition::FIRST.saturating_add(99))
    }
}

/// A refusal names the expected revision as the actual one.
pub(crate) struct RevisionsAreVague;

impl Rules for RevisionsAreVague {
    fn check_revision(
        stream: &StreamName,
        expected: Revision,
        actual: Revision,
    ) -> Result<(), AppendError> {
        if expected == actual { Ok(()) } else { Err(wrong_revision(stream, expected, expected)) }
    }
}

/// A revision in the future holds.
pub(crate) struct FutureRevisionsHold;

impl Rules for FutureRevisionsHold {
    fn check_revision(
        stream: &StreamName,
        expected: Revision,
        actual: Revision,
    ) -> Result<(), AppendError> {
        if expected >= actual { Ok(()) } else { Err(wrong_revision(stream, expected, actual)) }
    }
}

/// `NoEvents` holds only for a batch of one event: the stream is counted with the batch.
pub(crate) struct NoEventsCountsTheBatch;

impl Rules for NoEventsCountsTheBatch {
    fn check_condition(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                Self::check_query(log, since, query, *after)
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let written = events.iter().filter(|e| e.stream.as_ref() == Some(stream)).count();
                if *revision == Revision::NoEvents && written > 1 {
                    return Err(wrong_revision(stream, *revision, Revision::Current(0)));
                }
                Self::check_revision(stream, *revision, Self::revision(log, since, stream))
            }
        }
    }
}

/// A revision is looked at in the stream that the batch writes to.
pub(crate) struct RevisionOfTheBatch;

impl Rules for RevisionOfTheBatch {
    fn check_condition(
        log: &[Recorded<Bytes>],
        since: usize,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                Self::check_query(log, since, query, *after)
            }
            AppendCondition::ExpectedRevision { stream, revision } => {
                let own = events.iter().find_map(|event| event.stream.as_ref()).unwrap_or(stream);
                Self::check_revision(stream, *revision, Self::revision(log, since, own))
            }
        }
    }
}

/// Revisions count the events of all streams.
pub(crate) struct RevisionsAreShared;

impl Rules for RevisionsAreShared {
    fn revision(log: &[Recorded<Bytes>], _since: usize, _stream: &StreamName) -> Revision {
        let of_streams = log.iter().filter(|record| record.stream.is_some()).count();
        (of_streams as u64).checked_sub(1).into()
    }
}

/// A handle counts the revisions that came after it.
pub(crate) struct RevisionsSinceOpening;

impl Rules for RevisionsSinceOpening {
    fn revision(log: &[Recorded<Bytes>], since: usize, stream: &StreamName) -> Revision {
        let own = log[since..].iter().filter(|record| record.stream.as_ref() == Some(stream));
        (own.count() as u64).checked_sub(1).into()
    }
}

/// Positions start again with each handle that finds a log.
pub(crate) struct PositionsStartAgain;

impl Rules for PositionsStartAgain {
    fn next_position(log: &[Recorded<Bytes>], since: usize) -> u64 {
        (log.len() - since) as u64 + 1
    }
}

/// What was acknowledged last goes with the last handle.
pub(crate) struct AcknowledgedBeforeDurable;

impl Rules for AcknowledgedBeforeDurable {
    const ON_DROP: OnDrop = OnDrop::LosesTheLast;
}
