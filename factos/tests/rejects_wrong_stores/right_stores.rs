//! Stores that keep every rule, some of them in an unusual way.

use factos::{Bytes, Recorded};

use crate::{
    store_by_rules::log,
    store_rules::{Commit, Rules, Show, Wake},
    suite_run::accepts,
};

/// Keeps every rule in the usual way.
pub(crate) struct Right;

impl Rules for Right {}

/// Positions are seven apart.
struct Gaps;

impl Rules for Gaps {
    fn next_position(log: &[Recorded<Bytes>], _since: usize) -> u64 {
        log.last().map_or(3, |record| record.position.get() + 7)
    }
}

/// Positions begin where 32 bits end.
struct FarPositions;

impl Rules for FarPositions {
    fn next_position(log: &[Recorded<Bytes>], _since: usize) -> u64 {
        log.last().map_or(1 << 40, |record| record.position.get() + 1)
    }
}

/// Each page of a read takes a while.
struct SlowPages;

impl Rules for SlowPages {
    const SHOW: Show = Show::Slowly;
}

/// At times a wait ends without an event.
struct EarlyWakes;

impl Rules for EarlyWakes {
    const WAKE: Wake = Wake::Early;
}

/// Each append takes a while.
struct SlowAppends;

impl Rules for SlowAppends {
    const COMMIT: Commit = Commit::Slow;
}

/// Each page of a read has one event, or none.
struct OneEventPages;

impl Rules for OneEventPages {
    const SHOW: Show = Show::OneByOne;
}

#[test]
fn a_right_store_passes() {
    accepts(log::<Right>);
}

#[test]
fn gaps_in_positions_pass() {
    accepts(log::<Gaps>);
}

#[test]
fn far_positions_pass() {
    accepts(log::<FarPositions>);
}

#[test]
fn slow_pages_pass() {
    accepts(log::<SlowPages>);
}

#[test]
fn slow_appends_pass() {
    accepts(log::<SlowAppends>);
}

#[test]
fn waking_early_passes() {
    accepts(log::<EarlyWakes>);
}

#[test]
fn pages_of_one_event_pass() {
    accepts(log::<OneEventPages>);
}
