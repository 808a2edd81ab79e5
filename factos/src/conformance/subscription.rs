//! Cases of subscriptions: what they give out, and what they say of it.
//!
//! Each runs on [`EventStoreExt::subscribe`](crate::EventStoreExt::subscribe); [`subscriber_cases`] runs them
//! on another subscriber, and so tests the cases themselves.

use super::{case::Case, fixture::Fixture, sample_values::query, watched::Watched};
use crate::query::Query;

mod follower;
mod interrupted;
mod rules;
mod seen;
mod typed;

pub use follower::{Follower, Subscribe, Subscriber, Word};
pub(super) use seen::Seen;

/// A subscription to every event gives out each one once, from before it was made on, while several handles write; and
/// says how far it is complete.
pub async fn everything_comes_once<F: Fixture>(log: F) {
    rules::comes_once::<F, Subscribe>(log, Query::all()).await;
}

/// The same of a type.
pub async fn a_type_comes_once<F: Fixture>(log: F) {
    rules::comes_once::<F, Subscribe>(log, query(&["A"], &[])).await;
}

/// The same of a tag.
pub async fn a_tag_comes_once<F: Fixture>(log: F) {
    rules::comes_once::<F, Subscribe>(log, query(&[], &["writer:1"])).await;
}

/// Batches hold at most a page, and the same comes in pages of 1 and of 1,000.
pub async fn a_page_is_the_most_of_a_batch<F: Fixture>(log: F) {
    rules::page_is_the_most::<F, Subscribe>(log).await;
}

/// The position moves where nothing matches, without a batch for each event, and every position that was told can be
/// gone on from.
pub async fn the_position_moves_where_nothing_matches<F: Fixture>(log: F) {
    rules::moves_where_nothing_matches::<F, Subscribe>(log).await;
}

/// From each position that was told, a new subscription gives out exactly the rest.
pub async fn it_goes_on_from_every_position<F: Fixture>(log: F) {
    rules::goes_on_from_every_position::<F, Subscribe>(log).await;
}

/// With the last event that was there at the start, and never again, it tells that it is live: in an empty log, with
/// one event, a page, a page and one, and while others write.
pub async fn it_is_live_once<F: Fixture>(log: F) {
    rules::is_live_once::<F, Subscribe>(log).await;
}

/// A start above the head is refused, and one at the head is not.
pub async fn a_start_above_the_head_is_refused<F: Fixture>(log: F) {
    rules::above_the_head::<F, Subscribe>(log).await;
}

/// A call for the next batch that is dropped loses nothing and repeats nothing.
pub async fn a_dropped_call_loses_nothing<F: Fixture>(log: F) {
    rules::dropped_call::<F, Subscribe>(log).await;
}

/// A lost connection is an error, after which the subscription goes on where it was.
pub async fn a_lost_connection_is_overcome<F: Fixture>(log: F) {
    interrupted::is_overcome::<F, Subscribe>(log).await;
}

/// An event that does not decode is named and not passed, and those before it are given out.
pub async fn an_event_that_does_not_decode_is_not_passed<F: Fixture>(log: F) {
    typed::not_passed::<F, Subscribe>(log).await;
}

/// Events of unknown types fail, or are passed over and counted.
pub async fn unknown_types_fail_or_are_counted<F: Fixture>(log: F) {
    typed::unknown_types::<F, Subscribe>(log).await;
}

/// These cases with another subscriber.
#[must_use]
pub fn subscriber_cases<F: Fixture, S: Subscriber>() -> Vec<Case> {
    macro_rules! cases {
        ($($name:literal: $rule:expr;)*) => {
            vec![$(Case::new(concat!("subscription::", $name), $rule)),*]
        };
    }
    type On<F> = Watched<F>;
    cases! {
        "everything_comes_once": |log: On<F>| rules::comes_once::<_, S>(log, Query::all());
        "a_type_comes_once": |log: On<F>| rules::comes_once::<_, S>(log, query(&["A"], &[]));
        "a_tag_comes_once": |log: On<F>| rules::comes_once::<_, S>(log, query(&[], &["writer:1"]));
        "a_page_is_the_most_of_a_batch": rules::page_is_the_most::<On<F>, S>;
        "the_position_moves_where_nothing_matches":
            rules::moves_where_nothing_matches::<On<F>, S>;
        "it_goes_on_from_every_position": rules::goes_on_from_every_position::<On<F>, S>;
        "it_is_live_once": rules::is_live_once::<On<F>, S>;
        "a_start_above_the_head_is_refused": rules::above_the_head::<On<F>, S>;
        "a_dropped_call_loses_nothing": rules::dropped_call::<On<F>, S>;
        "a_lost_connection_is_overcome": interrupted::is_overcome::<On<F>, S>;
        "an_event_that_does_not_decode_is_not_passed": typed::not_passed::<On<F>, S>;
        "unknown_types_fail_or_are_counted": typed::unknown_types::<On<F>, S>;
    }
}
