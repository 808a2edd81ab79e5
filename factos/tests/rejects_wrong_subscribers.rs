//! The cases of subscriptions are tested here: a subscriber that is wrong in one way fails the cases of the rule that
//! it breaks, and no others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "rejects_wrong_subscribers/subscriber_by_rules.rs"]
mod subscriber_by_rules;

use std::collections::BTreeSet;

use factos::conformance::{Case, Fixture, Subscribe, Subscriber, cases, subscriber_cases};
use factos_memory::MemoryStore;

use crate::subscriber_by_rules::{ByRules, Rules, Through};

struct Memory(MemoryStore);

impl Fixture for Memory {
    type Store = MemoryStore;

    const SEED: Option<u64> = Some(5);
    const SOON: std::time::Duration = std::time::Duration::from_millis(600);

    async fn fresh() -> Self {
        Self(MemoryStore::new())
    }

    async fn connect(&self) -> MemoryStore {
        self.0.clone()
    }
}

/// How often a case is run that must fail, but may pass by chance.
const TRIES: usize = 10;

/// Asserts that these cases fail, and no others but those that may.
fn rejects<S: Subscriber>(fails: &[&str], may_fail: &[&str]) {
    let (mut missed, mut others) = (Vec::new(), Vec::new());
    for case in subscriber_cases::<Memory, S>() {
        let name = case.name().strip_prefix("subscription::").unwrap();
        let tries = if fails.contains(&name) { TRIES } else { 1 };
        let has_failed = (0..tries).any(|_| case.verdict().is_err());
        if fails.contains(&name) && !has_failed {
            missed.push(name);
        }
        if !fails.contains(&name) && !may_fail.contains(&name) && has_failed {
            others.push(name);
        }
    }
    assert!(
        missed.is_empty() && others.is_empty(),
        "passed although they must fail: {missed:#?}, failed although they must pass: {others:#?}",
    );
}

macro_rules! wrong_subscribers {
    ($($(#[$doc:meta])* $name:ident: $subscriber:ident {
        $(const $rule:ident: $type:ty = $value:expr;)*
    } fails [$($fails:literal),* $(,)?] $(may fail [$($may:literal),* $(,)?])?;)*) => {
        $(
            $(#[$doc])*
            struct $subscriber;

            impl Rules for $subscriber {
                $(const $rule: $type = $value;)*
            }

            #[test]
            fn $name() {
                rejects::<ByRules<$subscriber>>(&[$($fails),*], &[$($($may),*)?]);
            }
        )*

        /// The cases that these fail for certain.
        const COVERED: &[&str] = &[$($($fails,)*)*];
    };
}

/// Keeps every rule.
struct Right;

impl Rules for Right {}

#[test]
fn a_right_subscriber_passes() {
    rejects::<ByRules<Right>>(&[], &[]);
    rejects::<Subscribe>(&[], &[]);
}

#[test]
fn the_cases_are_those_of_the_suite() {
    let names = |cases: &[Case]| -> BTreeSet<_> {
        let names = cases.iter().map(Case::name);
        names.filter(|name| name.starts_with("subscription::")).collect()
    };
    assert_eq!(names(&subscriber_cases::<Memory, Subscribe>()), names(&cases::<Memory>()));
}

#[test]
fn every_case_is_failed_by_some_subscriber() {
    let cases = subscriber_cases::<Memory, Subscribe>();
    let names = cases.iter().map(|case| case.name().strip_prefix("subscription::").unwrap());
    let uncovered: Vec<_> = names.filter(|name| !COVERED.contains(name)).collect();
    assert_eq!(uncovered, [""; 0]);
}

wrong_subscribers! {
    /// Tells the head, looked at after the read.
    tells_a_later_head: LaterHead {
        const THROUGH: Through = Through::LaterHead;
    } fails [
        "everything_comes_once", "a_type_comes_once", "a_tag_comes_once",
    ] may fail [
        "it_is_live_once", "a_dropped_call_loses_nothing", "the_position_moves_where_nothing_matches",
        "a_lost_connection_is_overcome",
    ];
    /// Tells what the read observed, though the page was cut by the limit.
    tells_observed_of_a_cut_page: ObservedOfAPage {
        const THROUGH: Through = Through::Observed;
    } fails [
        "everything_comes_once", "a_type_comes_once", "a_tag_comes_once",
        "a_page_is_the_most_of_a_batch", "it_goes_on_from_every_position",
        "a_dropped_call_loses_nothing", "it_is_live_once", "a_lost_connection_is_overcome",
    ] may fail [
        "an_event_that_does_not_decode_is_not_passed", "unknown_types_fail_or_are_counted",
    ];
    /// Tells the position of the last record, and so nothing where nothing matches.
    tells_the_last_record: LastRecord {
        const THROUGH: Through = Through::LastRecord;
    } fails [
        "the_position_moves_where_nothing_matches",
    ] may fail [
        "a_type_comes_once", "a_tag_comes_once", "it_goes_on_from_every_position",
        "a_start_above_the_head_is_refused", "it_is_live_once",
    ];
    /// Starts to listen at the head, which it looks at once it has caught up.
    has_a_gap_at_the_seam: Gap {
        const GAP: bool = true;
    } fails [
        "everything_comes_once", "a_type_comes_once", "a_tag_comes_once",
    ] may fail [
        "it_is_live_once", "a_dropped_call_loses_nothing", "a_lost_connection_is_overcome",
        "the_position_moves_where_nothing_matches",
    ];
    /// Gives the last event of the catch-up out again when it is live.
    repeats_at_the_seam: Repeat {
        const REPEATS: bool = true;
    } fails [
        "everything_comes_once", "a_type_comes_once", "a_tag_comes_once", "it_is_live_once",
        "a_lost_connection_is_overcome",
    ] may fail ["a_dropped_call_loses_nothing"];
    /// Moves on before the batch is given out.
    loses_the_batch_of_a_dropped_call: Loses {
        const LOSES: bool = true;
    } fails [
        "a_dropped_call_loses_nothing",
    ];
    /// Tells that it is live whenever it has caught up.
    is_live_again_and_again: LiveAgain {
        const LIVE_AGAIN: bool = true;
    } fails [
        "it_is_live_once", "everything_comes_once", "a_type_comes_once", "a_tag_comes_once",
        "the_position_moves_where_nothing_matches", "a_lost_connection_is_overcome",
    ] may fail ["a_dropped_call_loses_nothing"];
    /// Tells that it is live with its first batch.
    is_live_at_once: LiveAtOnce {
        const LIVE_AT_ONCE: bool = true;
    } fails [
        "it_is_live_once", "an_event_that_does_not_decode_is_not_passed",
    ] may fail [
        "everything_comes_once", "a_type_comes_once", "a_tag_comes_once", "a_dropped_call_loses_nothing",
        "a_lost_connection_is_overcome",
    ];
    /// Waits for the first event before it is live.
    is_not_live_in_an_empty_log: NotLiveEmpty {
        const LIVE_IF_EMPTY: bool = false;
    } fails [
        "it_is_live_once", "a_start_above_the_head_is_refused",
    ];
    /// Waits for the log to grow past a position above its head.
    waits_above_the_head: WaitsAbove {
        const REFUSES_ABOVE: bool = false;
    } fails [
        "a_start_above_the_head_is_refused",
    ];
    /// Gives out all there is, whatever the page.
    has_no_pages: NoPages {
        const PAGES: bool = false;
    } fails [
        "a_page_is_the_most_of_a_batch",
    ];
    /// After an error it starts again from the beginning.
    starts_again_after_an_error: StartsAgain {
        const STARTS_AGAIN: bool = true;
    } fails [
        "a_lost_connection_is_overcome",
    ];
    /// Gives out what came of a read that was cut off, as if it were complete.
    takes_an_error_for_the_end: ErrorIsEnd {
        const ERROR_IS_END: bool = true;
    } fails [
        "a_lost_connection_is_overcome",
    ];
    /// Passes an event that does not decode, after it has told the error.
    passes_what_does_not_decode: Passes {
        const PASSES: bool = true;
    } fails [
        "an_event_that_does_not_decode_is_not_passed",
    ];
    /// Tells an error of the page, and not the events before it.
    drops_the_page_of_an_error: DropsThePage {
        const GIVES_BEFORE: bool = false;
    } fails [
        "an_event_that_does_not_decode_is_not_passed",
    ];
    /// Does not count the events that it skips.
    counts_nothing: CountsNothing {
        const COUNTS: bool = false;
    } fails [
        "unknown_types_fail_or_are_counted",
    ];
    /// Skips events of unknown types even if they are to fail.
    always_skips: AlwaysSkips {
        const MAY_FAIL: bool = false;
    } fails [
        "unknown_types_fail_or_are_counted",
    ];
}
