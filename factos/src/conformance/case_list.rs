use super::{
    any_log::{AnyLog, Kind},
    case::Case,
    fixture::Fixture,
    watched::Watched,
};

/// All cases, for a test runner other than the [macro](crate::conformance!), which has the same ones.
#[must_use]
pub fn cases<F: Fixture>() -> Vec<Case> {
    cases_on(Kind::of::<F>())
}

/// One of them.
#[doc(hidden)]
#[must_use]
pub fn case_of<F: Fixture>(name: &str) -> Case {
    let case = cases::<F>().into_iter().find(|case| case.name() == name);
    case.unwrap_or_else(|| panic!("there is no case {name}"))
}

fn cases_on(kind: Kind) -> Vec<Case> {
    crate::__conformance_cases!(__conformance_vec { kind })
}

/// Calls another macro with every case of the suite, and with the capability that a case needs and a store
/// may decline. The tests and [`cases`](crate::conformance::cases) are made from this one list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($with:ident $arguments:tt) => {
        $crate::$with! {
            $arguments
            append {
                positions_strictly_increase
                ids_have_no_say_in_the_order
                a_record_says_what_was_appended
                returned_records_equal_a_later_read
                the_time_is_in_whole_microseconds
                a_payload_comes_back_byte_for_byte
                metadata_comes_back_byte_for_byte
                names_are_equal_only_byte_for_byte
                any_uuid_is_an_id
                an_empty_batch_is_refused_before_its_condition
                an_id_twice_in_a_batch_is_refused
                an_id_of_the_log_is_refused
                the_first_duplicate_is_told
                a_taken_id_is_told_before_the_condition
                a_refused_append_leaves_no_trace
                a_dropped_append_leaves_all_or_nothing
            }
            limits {
                a_long_payload_is_accepted
                many_long_tags_are_accepted
                long_names_are_accepted
                many_events_in_a_batch_are_accepted
                a_large_batch_is_accepted
                many_items_are_accepted
                beyond_the_floor_is_all_or_nothing
                the_payload_limit_is_exact
                the_tag_limit_is_exact
                the_event_limit_is_exact
                the_byte_limit_is_exact
                the_item_limit_is_exact
                an_idempotency_key_counts_against_no_limit
            }
            read {
                an_empty_log_has_nothing
                the_head_is_the_last_position
                a_read_observes_what_it_shows
                after_is_exclusive
                before_is_exclusive
                backwards_is_the_reverse
                a_limit_counts_after_filtering
                a_limit_counts_across_items
                a_limit_may_be_zero_or_huge
                an_event_that_matches_two_items_comes_once
                positions_past_the_head_are_no_error
                crossed_bounds_show_nothing
                options_combine
                a_read_is_one_snapshot
                a_long_read_is_complete
                a_dropped_read_leaves_the_store_usable
                reads_and_appends_interleave
            }
            query {
                all_matches_every_event
                types_are_alternatives
                no_tags_is_no_constraint
                no_types_is_any_type
                tags_must_all_be_there
                type_and_tags_must_both_match
                items_are_alternatives
                a_key_may_have_two_values
                names_match_as_a_whole
                generated_queries_match_by_the_reference
            }
            condition {
                any_match_refuses
                other_events_do_not_refuse
                some_of_the_tags_do_not_refuse
                after_is_exclusive
                after_may_be_beyond_the_last_match
                after_may_be_beyond_the_head
                each_item_counts
                the_batch_does_not_count
                a_refusal_names_its_condition
                a_refusal_names_the_revision
                observed_is_sound_as_after
                observed_does_not_depend_on_the_bounds
                generated_conditions_hold_by_the_reference
            }
            revisions {
                revisions_count_from_zero
                a_batch_may_mix_streams
                a_stream_is_read_by_itself
                queries_see_events_of_streams
                no_events_holds_for_a_new_stream
                the_current_revision_holds
                other_revisions_are_refused
                a_condition_may_look_at_another_stream
                other_streams_leave_a_revision_alone
                a_refused_append_uses_no_revision
                revisions_go_on_across_handles [several_handles]
            }
            handle {
                a_handle_reads_its_own_writes
                a_handle_reads_the_writes_of_others [several_handles]
                a_condition_counts_the_writes_of_others [several_handles]
                fixtures_are_isolated
                a_log_has_one_identity
                a_dropped_handle_leaves_the_others_alone [several_handles]
                a_store_outlives_a_runtime
                a_handle_may_be_dropped_anywhere
            }
            visibility {
                following_every_event_is_gapless
                following_a_type_is_gapless
                following_a_tag_is_gapless
                nothing_appears_below_observed_of_all
                nothing_appears_below_observed_of_a_type
                nothing_appears_below_observed_of_a_tag
                nothing_appears_below_observed_of_several_tags
                a_batch_is_seen_whole
                the_head_never_steps_back
            }
            concurrency {
                one_of_many_contenders_wins
                disjoint_boundaries_never_conflict
                a_counter_reaches_the_exact_total
                a_decision_on_a_type_sees_every_event
                a_decision_on_everything_sees_every_event
                a_name_is_taken_once
                write_skew_is_refused
                racing_revisions_have_one_winner
                unconditional_appends_are_counted_exactly
                no_acknowledged_event_is_missing
                a_batch_sent_twice_at_once_is_appended_once
                a_capacity_is_never_exceeded
                commands_decided_together_exceed_no_capacity
                a_refusals_cause_is_visible
            }
            absence {
                an_old_event_refuses
                the_guard_is_checked_as_well
                the_batch_does_not_count
                a_refusal_names_what_was_matched
                a_taken_id_is_told_before_both
                the_items_of_both_queries_count
                generated_conditions_hold_by_the_reference
                one_of_many_takes_a_name
                one_of_many_takes_a_boundary
            }
            follow {
                what_is_there_is_not_waited_for
                a_waiter_wakes_for_the_first_event
                a_waiter_wakes_for_its_own_handle
                a_waiter_wakes_for_another_handle [several_handles]
                every_waiter_wakes
                a_dropped_waiter_costs_nothing
                an_append_before_the_wait_is_not_missed
                an_append_elsewhere_before_the_wait_is_not_missed [several_handles]
                a_position_above_the_head_is_waited_for
                a_quiet_log_is_waited_for
            }
            subscription {
                everything_comes_once
                a_type_comes_once
                a_tag_comes_once
                a_page_is_the_most_of_a_batch
                the_position_moves_where_nothing_matches
                it_goes_on_from_every_position
                it_is_live_once
                a_start_above_the_head_is_refused
                a_dropped_call_loses_nothing
                a_lost_connection_is_overcome
                an_event_that_does_not_decode_is_not_passed
                unknown_types_fail_or_are_counted
            }
            faults {
                a_read_that_fails_says_so
                a_failure_within_a_batch_leaves_nothing
                a_lost_answer_is_told_as_unknown
                a_busy_store_leaves_nothing_behind
            }
            durability {
                reopening_finds_every_acknowledged_event [reopening]
                positions_go_on_after_reopening [reopening]
                revisions_go_on_after_reopening [reopening]
                ids_stay_unique_after_reopening [reopening]
                conditions_go_on_after_reopening [reopening]
                a_reopened_log_has_its_identity [reopening]
                an_acknowledged_append_was_flushed [reopening]
                appends_at_once_were_flushed [reopening]
            }
            model {
                random_commands_agree_with_a_plain_log
                random_operations_agree_with_a_plain_log
                random_reopening_agrees_with_a_plain_log [reopening]
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_vec {
    ({ $kind:ident } $($family:ident { $($case:ident $([$need:ident])?)* })*) => {
        vec![$($(
            Case::on_any_log(
                concat!(stringify!($family), "::", stringify!($case)),
                || Box::pin(async {
                    super::$family::$case(Watched::<AnyLog>::fresh().await).await;
                }),
                $kind,
            )$(.needing(stringify!($need)))?,
        )*)*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    (
        { ($d:tt) [$fixture:ty] [$($everywhere:literal)?] $([$($declined:ident)::+] $reason:literal)* }
        $($family:ident { $($case:ident $([$need:ident])?)* })*
    ) => {
        type ConformanceFixture = $crate::__conformance_fixture!([$fixture] $([$($declined)::+])*);

        $($crate::__conformance_declinable!([$fixture] $($declined)::+);)*

        macro_rules! conformance_test {
            $(
                ([$($declined)::+] $d need:tt $d family:ident $d case:ident) => {
                    conformance_test!(#[ignore = $reason] $d family $d case);
                };
                ($d name:tt [$($declined)::+] $d family:ident $d case:ident) => {
                    conformance_test!(#[ignore = $reason] $d family $d case);
                };
            )*
            ([$d($d name:tt)*] [$d($d need:ident)?] $d family:ident $d case:ident) => {
                conformance_test!($(#[ignore = $everywhere])? $d family $d case);
            };
            ($d(#[$d attribute:meta])? $d family:ident $d case:ident) => {
                #[test]
                $d(#[$d attribute])?
                fn $d case() {
                    $crate::conformance::case_of::<super::ConformanceFixture>(
                        concat!(stringify!($d family), "::", stringify!($d case)),
                    )
                    .run();
                }
            };
        }

        $(mod $family {
            $(conformance_test!([$family::$case] [$($need)?] $family $case);)*
        })*
    };
}

/// The fixture that the cases run on.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_fixture {
    ([$fixture:ty]) => { $fixture };
    ([$fixture:ty] [several_handles] $($declined:tt)*) => {
        $crate::conformance::OneHandle<$fixture>
    };
    ([$fixture:ty] $other:tt $($declined:tt)*) => {
        $crate::__conformance_fixture!([$fixture] $($declined)*)
    };
}

/// Compiles for the capabilities and the cases that there are.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_declinable {
    ([$fixture:ty] reopening) => {};
    ([$fixture:ty] several_handles) => {};
    ([$fixture:ty] $other:ident) => {
        compile_error!(concat!(
            "there is no `",
            stringify!($other),
            "` to decline here: the capabilities are `reopening` and `several_handles`, and a case is \
             declined as `family::case`",
        ));
    };
    ([$fixture:ty] $family:ident :: $case:ident) => {
        const _: () = {
            let _ = $crate::conformance::$family::$case::<$fixture>;
        };
    };
}

/// Makes one `#[test]` of every case, for a [`Fixture`](crate::conformance::Fixture); see the
/// [module](mod@crate::conformance).
///
/// With `ignore = "reason"` every test is ignored unless asked for, as for a store that needs a server. With
/// `decline { capability: "reason" }` exactly the tests of the cases that need the capability are ignored, and
/// with `decline { family::case: "reason" }` that of the case.
///
/// What does not exist cannot be declined:
///
/// ```compile_fail
/// # use factos::{EventStore, conformance::Fixture};
/// # struct Log;
/// # impl Fixture for Log {
/// #     type Store = Box<dyn EventStore>;
/// #     async fn fresh() -> Self { Self }
/// #     async fn connect(&self) -> Self::Store { std::future::pending().await }
/// # }
/// factos::conformance!(Log, decline { no_such_capability: "there is none" });
/// # fn main() {}
/// ```
///
/// ```compile_fail,E0425
/// # use factos::{EventStore, conformance::Fixture};
/// # struct Log;
/// # impl Fixture for Log {
/// #     type Store = Box<dyn EventStore>;
/// #     async fn fresh() -> Self { Self }
/// #     async fn connect(&self) -> Self::Store { std::future::pending().await }
/// # }
/// factos::conformance!(Log, decline { durability::no_such_case: "there is none" });
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance {
    ($fixture:ty $(, ignore = $everywhere:literal)? $(, decline {
        $($($declined:ident)::+ : $reason:literal),* $(,)?
    })? $(,)?) => {
        $crate::__conformance_cases! {
            __conformance_tests {
                ($) [$fixture] [$($everywhere)?] $($([$($declined)::+] $reason)*)?
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::{Case, Fixture, cases};
    use crate::store::EventStore;

    struct Nowhere;

    impl Fixture for Nowhere {
        type Store = Arc<dyn EventStore>;

        async fn fresh() -> Self {
            Self
        }

        async fn connect(&self) -> Self::Store {
            std::future::pending().await
        }
    }

    #[test]
    fn every_case_is_listed_once() {
        let sources = [
            ("append", include_str!("append.rs")),
            ("limits", include_str!("limits.rs")),
            ("limits", include_str!("limits/ceilings.rs")),
            ("read", include_str!("read.rs")),
            ("query", include_str!("query.rs")),
            ("condition", include_str!("condition.rs")),
            ("absence", include_str!("absence.rs")),
            ("revisions", include_str!("revisions.rs")),
            ("handle", include_str!("handle.rs")),
            ("visibility", include_str!("visibility.rs")),
            ("concurrency", include_str!("concurrency.rs")),
            ("concurrency", include_str!("concurrency/capacity.rs")),
            ("concurrency", include_str!("concurrency/refusals.rs")),
            ("concurrency", include_str!("concurrency/together.rs")),
            ("follow", include_str!("follow.rs")),
            ("subscription", include_str!("subscription.rs")),
            ("faults", include_str!("faults.rs")),
            ("durability", include_str!("durability.rs")),
            ("durability", include_str!("durability/flushes.rs")),
            ("model", include_str!("model.rs")),
        ];
        let written: BTreeSet<_> = sources
            .iter()
            .flat_map(|(family, source)| {
                let cases = source.split("\npub async fn ").skip(1);
                cases.map(move |case| format!("{family}::{}", case.split('<').next().unwrap()))
            })
            .collect();
        let listed = cases::<Nowhere>();
        let distinct: BTreeSet<_> = listed.iter().map(|case| case.name().to_owned()).collect();
        assert_eq!(distinct, written);
        assert_eq!(distinct.len(), listed.len());
    }

    #[test]
    fn cases_need_the_capabilities_that_can_be_declined() {
        let needed: BTreeSet<_> = cases::<Nowhere>().iter().filter_map(Case::needs).collect();
        assert_eq!(needed, BTreeSet::from(["reopening", "several_handles"]));
    }
}
