//! The suite is tested here: stores that are wrong in one way each fail the cases that say so, and no
//! others; right ones pass, however odd they are.

#[path = "rejects_wrong_stores/appends.rs"]
mod appends;
#[path = "rejects_wrong_stores/naive.rs"]
mod naive;
#[path = "rejects_wrong_stores/races.rs"]
mod races;
#[path = "rejects_wrong_stores/reads.rs"]
mod reads;
#[path = "rejects_wrong_stores/rules.rs"]
mod rules;
#[path = "rejects_wrong_stores/verdict.rs"]
mod verdict;

use factos::{Bytes, Recorded};

use crate::{
    appends::*,
    naive::Log,
    races::*,
    reads::*,
    rules::{Rules, Show},
    verdict::{Expected, accepts, rejects, uncovered},
};

/// Follows every rule.
struct Right;

impl Rules for Right {}

/// Positions are seven apart.
struct Gaps;

impl Rules for Gaps {
    fn next_position(log: &[Recorded<Bytes>], _since: usize) -> u64 {
        log.last().map_or(3, |record| record.position.get() + 7)
    }
}

/// Pages of one event, and empty ones between them.
struct OneEventPages;

impl Rules for OneEventPages {
    const SHOW: Show = Show::OneByOne;
}

#[test]
fn a_right_store_passes() {
    accepts::<Log<Right>>();
}

#[test]
fn gaps_in_positions_pass() {
    accepts::<Log<Gaps>>();
}

#[test]
fn pages_of_one_event_pass() {
    accepts::<Log<OneEventPages>>();
}

macro_rules! wrong_stores {
    ($($name:ident: $store:ident
        fails [$($fails:literal),* $(,)?] $(may fail [$($may:literal),* $(,)?])?;)*
    ) => {
        $(#[test]
        fn $name() {
            rejects::<Log<$store>>(&Expected {
                fails: &[$($fails),*],
                may_fail: &[$($($may),*)?],
            });
        })*

        /// Every case that some wrong store fails for certain.
        const COVERED: &[&str] = &[$($($fails,)*)*];
    };
}

wrong_stores! {
    after_is_inclusive: AfterIsInclusive fails [];
    before_is_inclusive: BeforeIsInclusive fails [];
    positions_wrap: PositionsWrap fails [];
    positions_are_signed: PositionsAreSigned fails [];
    backwards_is_ignored: BackwardsIsIgnored fails [];
    limit_before_order: LimitBeforeOrder fails [];
    limit_before_filter: LimitBeforeFilter fails [];
    zero_is_no_limit: ZeroIsNoLimit fails [];
    only_the_first_page: OnlyTheFirstPage fails [];
    bounds_are_sorted: BoundsAreSorted fails [];
    live_pages: LivePages fails [];
    reads_lock: ReadsLock fails [];
    observed_later: ObservedLater fails [];
    observed_too_far: ObservedTooFar fails [];
    observed_is_the_last_match: ObservedIsTheLastMatch fails [];
    observed_in_an_empty_log: ObservedInAnEmptyLog fails [];
    head_is_the_next_position: HeadIsTheNextPosition fails [];
    own_writes_only: OwnWritesOnly fails [];
    any_tag_matches: AnyTagMatches fails [];
    types_are_ignored: TypesAreIgnored fails [];
    only_the_first_type: OnlyTheFirstType fails [];
    only_the_first_item: OnlyTheFirstItem fails [];
    items_are_cut_off: ItemsAreCutOff fails [];
    once_per_item: OncePerItem fails [];
    tags_are_prefixes: TagsArePrefixes fails [];
    untagged_is_invisible: UntaggedIsInvisible fails [];
    streams_are_apart: StreamsAreApart fails [];
    streams_fold_case: StreamsFoldCase fails [];
    ordered_by_id: OrderedById fails [];
    one_position_for_a_batch: OnePositionForABatch fails [];
    returns_in_reverse: ReturnsInReverse fails [];
    returns_another_time: ReturnsAnotherTime fails [];
    times_are_finer: TimesAreFiner fails [];
    versions_are_cut: VersionsAreCut fails [];
    payloads_are_text: PayloadsAreText fails [];
    metadata_is_normalised: MetadataIsNormalised fails [];
    metadata_is_lost: MetadataIsLost fails [];
    tags_are_cut_off: TagsAreCutOff fails [];
    unicode_is_composed: UnicodeIsComposed fails [];
    long_names_are_cut: LongNamesAreCut fails [];
    ids_are_forced: IdsAreForced fails [];
    empty_is_accepted: EmptyIsAccepted fails [];
    limits_are_halved: LimitsAreHalved fails [];
    duplicates_are_accepted: DuplicatesAreAccepted fails [];
    duplicates_in_a_batch: DuplicatesInABatch fails [];
    old_ids_are_forgotten: OldIdsAreForgotten fails [];
    condition_before_ids: ConditionBeforeIds fails [];
    torn_batches: TornBatches fails [];
    condition_is_ignored: ConditionIsIgnored fails [];
    condition_after_is_inclusive: ConditionAfterIsInclusive fails [];
    condition_after_is_ignored: ConditionAfterIsIgnored fails [];
    condition_after_wraps: ConditionAfterWraps fails [];
    no_after_always_holds: NoAfterAlwaysHolds fails [];
    old_matches_do_not_count: OldMatchesDoNotCount fails [];
    condition_since_opening: ConditionSinceOpening fails [];
    every_event_conflicts: EveryEventConflicts fails [];
    any_tag_conflicts: AnyTagConflicts fails [];
    only_the_first_item_conflicts: OnlyTheFirstItemConflicts fails [];
    the_batch_conflicts: TheBatchConflicts fails [];
    refusals_are_vague: RefusalsAreVague fails [];
    revisions_are_vague: RevisionsAreVague fails [];
    future_revisions_hold: FutureRevisionsHold fails [];
    no_events_counts_the_batch: NoEventsCountsTheBatch fails [];
    revision_of_the_batch: RevisionOfTheBatch fails [];
    revisions_are_shared: RevisionsAreShared fails [];
    revisions_since_opening: RevisionsSinceOpening fails [];
    positions_start_again: PositionsStartAgain fails [];
    acknowledged_before_durable: AcknowledgedBeforeDurable fails [];
    checked_then_written: CheckedThenWritten fails [];
    only_writes_exclude: OnlyWritesExclude fails [];
    event_by_event: EventByEvent fails [];
    late_visible: LateVisible fails [];
    bound_to_its_runtime: BoundToItsRuntime fails [];
    dropped_within_a_runtime: DroppedWithinARuntime fails [];
    listens_late: ListensLate fails [];
    waits_for_the_next: WaitsForTheNext fails [];
    wakes_for_its_own: WakesForItsOwn fails [];
    wakes_one: WakesOne fails [];
    sleeps_through_the_first: SleepsThroughTheFirst fails [];
    never_waits: NeverWaits fails [];
    refuses_ahead: RefusesAhead fails [];
}

/// Cases that no store fails yet. It only ever gets shorter.
const UNTESTED: &[&str] = &[];

#[test]
fn every_case_is_failed_by_some_store() {
    assert_eq!(uncovered::<Log<Right>>(COVERED), UNTESTED);
}
