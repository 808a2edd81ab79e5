//! Stores that are wrong when others are about, and those that wait wrongly.

use crate::store_rules::{Commit, OnDrop, Rules, Wake};

/// The condition is checked, and then the batch is written.
pub(crate) struct CheckedThenWritten;

impl Rules for CheckedThenWritten {
    const COMMIT: Commit = Commit::CheckedBefore;
}

/// A condition without a tag is checked, and then the batch is written.
pub(crate) struct OnlyTagsExclude;

impl Rules for OnlyTagsExclude {
    const COMMIT: Commit = Commit::LockedByTags;
}

/// Two appends exclude each other only if they write what they guard.
pub(crate) struct OnlyWritesExclude;

impl Rules for OnlyWritesExclude {
    const COMMIT: Commit = Commit::CheckedAgainstWrites;
}

/// The events of a batch become visible one by one.
pub(crate) struct EventByEvent;

impl Rules for EventByEvent {
    const COMMIT: Commit = Commit::EventByEvent;
}

/// Positions are handed out before the lock is taken, so that lower ones may appear late.
pub(crate) struct LateVisible;

impl Rules for LateVisible {
    const COMMIT: Commit = Commit::Late;
}

/// An append from another runtime waits for ever.
pub(crate) struct BoundToItsRuntime;

impl Rules for BoundToItsRuntime {
    const NEEDS_ITS_RUNTIME: bool = true;
}

/// A handle can only be dropped within a runtime.
pub(crate) struct DroppedWithinARuntime;

impl Rules for DroppedWithinARuntime {
    const ON_DROP: OnDrop = OnDrop::NeedsARuntime;
}

/// The head is looked at, and only then is the waiter made known.
pub(crate) struct ListensLate;

impl Rules for ListensLate {
    const WAKE: Wake = Wake::ListensLate;
}

/// What is there already is waited for.
pub(crate) struct WaitsForTheNext;

impl Rules for WaitsForTheNext {
    const WAKE: Wake = Wake::NextOnly;
}

/// Only the appends of its own handle wake a waiter.
pub(crate) struct WakesForItsOwn;

impl Rules for WakesForItsOwn {
    const WAKE: Wake = Wake::OwnOnly;
}

/// Only the appends of other handles wake a waiter.
pub(crate) struct WakesForOthers;

impl Rules for WakesForOthers {
    const WAKE: Wake = Wake::OthersOnly;
}

/// One waiter wakes for each append.
pub(crate) struct WakesOne;

impl Rules for WakesOne {
    const WAKE: Wake = Wake::OneOnly;
}

/// The first event of a log wakes nobody.
pub(crate) struct SleepsThroughTheFirst;

impl Rules for SleepsThroughTheFirst {
    const WAKE: Wake = Wake::NotForTheFirst;
}

/// Nothing is waited for.
pub(crate) struct NeverWaits;

impl Rules for NeverWaits {
    const WAKE: Wake = Wake::AtOnce;
}

/// Waiting for a position above the head is an error.
pub(crate) struct RefusesAhead;

impl Rules for RefusesAhead {
    const WAKE: Wake = Wake::RefusesAhead;
}
