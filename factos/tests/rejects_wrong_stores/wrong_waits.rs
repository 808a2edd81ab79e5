//! Stores whose waiters wake at the wrong time.

use crate::{
    store_rules::{Commit, Rules, Wake},
    suite_run::{always_caught, told, wrong_stores},
};

/// A waiter subscribes only after it has looked at the head.
struct ListensLate;

impl Rules for ListensLate {
    const WAKE: Wake = Wake::ListensLate;
}

/// A waiter subscribes only after it has looked at the head, and appends take a while, so that few waits
/// begin just before a commit.
struct ListensLateToSlowAppends;

impl Rules for ListensLateToSlowAppends {
    const COMMIT: Commit = Commit::Slow;
    const WAKE: Wake = Wake::ListensLate;
}

/// A waiter waits for the next append, even if the log has an event past the position.
struct WaitsForTheNext;

impl Rules for WaitsForTheNext {
    const WAKE: Wake = Wake::NextOnly;
}

/// Only the appends of its own handle wake a waiter.
struct WakesForItsOwn;

impl Rules for WakesForItsOwn {
    const WAKE: Wake = Wake::OwnOnly;
}

/// Only the appends of other handles wake a waiter.
struct WakesForOthers;

impl Rules for WakesForOthers {
    const WAKE: Wake = Wake::OthersOnly;
}

/// One waiter wakes for each append.
struct WakesOne;

impl Rules for WakesOne {
    const WAKE: Wake = Wake::OneOnly;
}

/// The first event of a log wakes no waiter.
struct SleepsThroughTheFirst;

impl Rules for SleepsThroughTheFirst {
    const WAKE: Wake = Wake::NotForTheFirst;
}

/// A wait ends at once, with or without an event.
struct NeverWaits;

impl Rules for NeverWaits {
    const WAKE: Wake = Wake::AtOnce;
}

/// A wait past a position above the head is an error.
struct RefusesAhead;

impl Rules for RefusesAhead {
    const WAKE: Wake = Wake::RefusesAhead;
}

wrong_stores! {
    listens_late: ListensLate fails [
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
    ] may fail [
        "follow::",
    ];
    listens_late_to_slow_appends: ListensLateToSlowAppends fails [
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
    ] may fail [
        "follow::",
    ];
    waits_for_the_next: WaitsForTheNext fails [
        "follow::what_is_there_is_not_waited_for",
    ] may fail [
        "follow::",
    ];
    wakes_for_its_own: WakesForItsOwn fails [
        "follow::a_waiter_wakes_for_another_handle",
        "follow::a_waiter_wakes_for_the_first_event",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "follow::every_waiter_wakes",
    ] may fail [
        "follow::",
    ];
    wakes_for_others: WakesForOthers fails [
        "follow::a_waiter_wakes_for_its_own_handle",
    ] may fail [
        "follow::",
    ];
    wakes_one: WakesOne fails [
        "follow::every_waiter_wakes",
    ] may fail [
        "follow::",
    ];
    sleeps_through_the_first: SleepsThroughTheFirst fails [
        "follow::a_dropped_waiter_costs_nothing",
        "follow::a_waiter_wakes_for_the_first_event",
        "follow::an_append_before_the_wait_is_not_missed",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
    ] may fail [
        "follow::",
    ];
    never_waits: NeverWaits fails [
        "follow::a_quiet_log_is_waited_for",
    ] may fail [
        "follow::",
    ];
    refuses_ahead: RefusesAhead fails [
        "follow::a_position_above_the_head_is_waited_for",
    ];
}

told! {
    a_missed_append_is_told: SleepsThroughTheFirst,
        "follow::an_append_before_the_wait_is_not_missed"
        says "a wait does not miss an append between the read and the wait: nothing after 2s";
    a_wait_that_fails_is_told: RefusesAhead, "follow::a_position_above_the_head_is_waited_for"
        says "the position is above the head";
}

always_caught! {
    a_missed_wake_up_is_always_caught: ListensLate
        by "follow::an_append_before_the_wait_is_not_missed";
    a_missed_slow_append_is_always_caught: ListensLateToSlowAppends
        by "follow::an_append_before_the_wait_is_not_missed";
    a_missed_slow_append_elsewhere_is_always_caught: ListensLateToSlowAppends
        by "follow::an_append_elsewhere_before_the_wait_is_not_missed";
}
