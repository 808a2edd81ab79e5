//! Stores whose handles do not work together, or lose events with the last of them.

use factos::{Bytes, Recorded};

use crate::{
    store_rules::{Identity, OnDrop, Rules},
    suite_run::wrong_stores,
};

/// A handle sees the writes of others only once it has written after them.
struct OwnWritesOnly;

impl Rules for OwnWritesOnly {
    const SEES_OTHERS: bool = false;
}

/// An append from another runtime waits for ever.
struct BoundToItsRuntime;

impl Rules for BoundToItsRuntime {
    const NEEDS_ITS_RUNTIME: bool = true;
}

/// A handle can only be dropped within a runtime.
struct DroppedWithinARuntime;

impl Rules for DroppedWithinARuntime {
    const ON_DROP: OnDrop = OnDrop::NeedsARuntime;
}

/// A handle counts positions from the events that were appended after it was opened.
struct PositionsStartAgain;

impl Rules for PositionsStartAgain {
    fn next_position(log: &[Recorded<Bytes>], since: usize) -> u64 {
        (log.len() - since) as u64 + 1
    }
}

/// The last acknowledged event is lost with the last handle.
struct AcknowledgedBeforeDurable;

impl Rules for AcknowledgedBeforeDurable {
    const ON_DROP: OnDrop = OnDrop::LosesTheLast;
}

/// Every event is lost with the last handle.
struct ForgottenWithItsHandles;

impl Rules for ForgottenWithItsHandles {
    const ON_DROP: OnDrop = OnDrop::LosesAll;
}

/// Each handle tells an identity of its own.
struct IdentityOfTheHandle;

impl Rules for IdentityOfTheHandle {
    const IDENTITY: Identity = Identity::Handle;
}

/// Every log has the same identity.
struct IdentityOfEveryLog;

impl Rules for IdentityOfEveryLog {
    const IDENTITY: Identity = Identity::Same;
}

wrong_stores! {
    own_writes_only: OwnWritesOnly fails [
        "concurrency::a_batch_sent_twice_at_once_is_appended_once",
        "concurrency::a_capacity_is_never_exceeded",
        "concurrency::a_counter_reaches_the_exact_total",
        "concurrency::one_of_many_contenders_wins",
        "condition::observed_is_sound_as_after",
        "follow::an_append_elsewhere_before_the_wait_is_not_missed",
        "handle::a_handle_reads_the_writes_of_others",
        "model::random_commands_agree_with_a_plain_log",
        "model::random_operations_agree_with_a_plain_log",
        "model::random_reopening_agrees_with_a_plain_log",
        "visibility::following_a_tag_is_gapless",
        "visibility::following_a_type_is_gapless",
        "visibility::following_every_event_is_gapless",
        "visibility::the_head_never_steps_back",
    ] may fail [
        "concurrency::",
        "follow::",
        "visibility::",
    ];
    bound_to_its_runtime: BoundToItsRuntime fails [
        "handle::a_store_outlives_a_runtime",
    ];
    dropped_within_a_runtime: DroppedWithinARuntime fails [
        "handle::a_handle_may_be_dropped_anywhere",
    ];
    positions_start_again: PositionsStartAgain fails [
        "durability::positions_go_on_after_reopening",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    acknowledged_before_durable: AcknowledgedBeforeDurable fails [
        "durability::conditions_go_on_after_reopening",
        "durability::ids_stay_unique_after_reopening",
        "durability::positions_go_on_after_reopening",
        "durability::reopening_finds_every_acknowledged_event",
        "durability::revisions_go_on_after_reopening",
        "handle::a_handle_may_be_dropped_anywhere",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    forgotten_with_its_handles: ForgottenWithItsHandles fails [
        "durability::conditions_go_on_after_reopening",
        "durability::ids_stay_unique_after_reopening",
        "durability::positions_go_on_after_reopening",
        "durability::reopening_finds_every_acknowledged_event",
        "durability::revisions_go_on_after_reopening",
        "handle::a_handle_may_be_dropped_anywhere",
        "model::random_reopening_agrees_with_a_plain_log",
    ];
    identity_of_the_handle: IdentityOfTheHandle fails [
        "durability::a_reopened_log_has_its_identity",
        "handle::a_log_has_one_identity",
    ];
    identity_of_every_log: IdentityOfEveryLog fails [
        "handle::a_log_has_one_identity",
    ];
}
