use super::{
    case::{Case, Kind},
    fixture::PortFixture,
};

/// All cases, for a test runner other than the [macro](crate::conformance!), which has the same ones.
#[must_use]
pub fn cases<F: PortFixture>() -> Vec<Case> {
    cases_on(Kind::of::<F>())
}

/// One of them.
#[doc(hidden)]
#[must_use]
pub fn case_of<F: PortFixture>(name: &str) -> Case {
    let case = cases::<F>().into_iter().find(|case| case.name() == name);
    case.unwrap_or_else(|| panic!("there is no case {name}"))
}

fn cases_on(kind: Kind) -> Vec<Case> {
    crate::__conformance_cases!(__conformance_vec { kind })
}

/// Calls another macro with every case of the suite. The tests and [`cases`](crate::conformance::cases) are made from
/// this one list.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($with:ident $arguments:tt) => {
        $crate::$with! {
            $arguments
            registration {
                the_first_version_is_live
                a_rebuilt_version_is_beside_the_live_one
                a_known_version_keeps_its_state
                there_is_a_partition_at_least
                names_are_equal_only_byte_for_byte
                a_version_registered_at_once_is_one
                one_of_many_versions_registered_at_once_is_live
                a_new_version_starts_where_it_is_to
                a_start_moves_no_known_version
                of_starts_at_once_one_counts
                what_takes_over_has_no_start
                a_start_is_kept_when_a_version_is_divided
                versions_of_a_name_are_of_one_kind
                of_kinds_at_once_one_counts
            }
            leases {
                one_of_many_is_granted
                a_lease_excludes_others
                tokens_rise
                a_lease_that_ran_out_is_granted_anew
                a_lease_that_ran_out_still_writes
                a_step_under_an_older_token_changes_nothing
                a_report_under_an_older_token_changes_nothing
                a_release_under_an_older_token_changes_nothing
                a_beat_under_an_older_token_revives_nothing
                another_token_is_of_no_lease
                a_beat_renews_what_it_holds
                a_lease_lasts_its_length
                a_lease_is_judged_when_it_is_compared
                leaving_gives_back
                processes_that_beat_no_more_are_forgotten
                a_beat_shows_what_is_served
                what_is_not_there_is_not_granted
                a_grant_says_where_to_go_on
                the_longest_times_are_no_error
            }
            steps {
                a_step_is_kept_whole
                a_step_whose_work_fails_keeps_nothing
                a_step_whose_work_panics_keeps_nothing
                a_step_whose_work_panics_at_once_keeps_nothing
                a_dropped_step_is_kept_whole_or_not_at_all
                a_partition_moves_from_where_it_is
                a_partition_follows_one_log
                two_workers_never_both_write
                one_of_two_steps_from_a_position_is_made
                partitions_move_beside_one_another
                a_step_clears_the_error
                an_event_is_parked_once
                settling_what_is_gone_is_passed_over
                many_events_are_parked_and_settled_at_once
                texts_come_back_as_they_were_given
            }
            parked {
                a_parked_event_is_shown_as_it_was_parked
                events_are_listed_in_the_order_of_the_log
                each_version_has_its_own
                the_first_of_a_key_is_tried
                a_dead_event_blocks_its_key
                a_skipped_event_blocks_nobody
                events_without_a_key_wait_for_none
                an_event_is_due_at_its_time
                the_next_retry_is_told
                the_next_retry_is_of_the_first_of_a_key
                due_events_are_those_of_a_partition
                the_events_of_a_key_are_shown
                a_grant_has_the_keys_that_wait
                a_retry_makes_due_at_once
                a_selection_means_what_it_says
                the_count_tells_them_apart
                an_event_that_fails_again_keeps_its_place
                a_decision_moves_no_partition
                an_event_is_skipped_once
            }
            resize {
                an_untouched_version_is_divided_at_once
                a_version_is_drained_and_divided
                the_last_partition_below_is_waited_for
                a_partition_that_has_not_begun_is_waited_for
                a_lease_is_waited_for
                a_lease_that_runs_out_is_waited_for
                every_lease_from_before_is_ended
                the_number_that_is_kept_ends_a_resize
                the_number_that_is_to_come_changes_nothing
                another_number_while_draining_is_the_one_to_come
                parked_events_are_found_in_the_new_partitions
                an_open_step_is_counted_or_refused
                racing_steps_are_counted_or_refused
            }
            promote {
                promoting_switches_the_versions
                a_promotion_whose_work_fails_keeps_nothing
                a_promotion_whose_work_panics_keeps_nothing
                a_dropped_promotion_is_kept_whole_or_not_at_all
                one_version_is_live_at_all_times
                an_open_promotion_is_seen_by_nobody
                the_live_version_stays_live
                what_is_unknown_is_told
                a_retired_version_is_not_promoted
                the_live_version_is_not_retired
                what_is_retired_is_gone
            }
            take_over {
                what_is_free_is_taken_over_at_once
                what_is_in_hand_is_waited_for
                a_lease_that_runs_out_is_waited_for
                an_open_step_is_in_hand
                what_is_taken_over_may_be_divided_otherwise
                versions_may_take_over_one_after_the_other
                a_lower_version_is_retired
                a_version_that_was_never_live_hands_over_nothing
                promoting_hands_over_and_back
                a_lower_version_may_be_promoted
                promoting_back_in_time_loses_nothing
                retiring_what_is_to_hand_over_loses_nothing
            }
            concurrency {
                accepted_steps_are_written_once_and_in_order
                parked_events_are_done_once_and_in_order
                partitions_change_while_workers_move_them
            }
            model {
                random_operations_agree_with_plain_lists
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_vec {
    ({ $kind:ident } $($family:ident { $($case:ident)* })*) => {
        vec![$($(
            Case::new(
                concat!(stringify!($family), "::", stringify!($case)),
                $kind,
                |tables| Box::pin(super::$family::$case(tables)),
            ),
        )*)*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ({ [$fixture:ty] $ignored:tt } $($family:ident { $($case:ident)* })*) => {
        type ConformanceFixture = $fixture;

        $(mod $family {
            $crate::__conformance_family! { $ignored $family $($case)* }
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_family {
    ([$($ignored:literal)?] $family:ident) => {};
    ([$($ignored:literal)?] $family:ident $case:ident $($more:ident)*) => {
        #[test]
        $(#[ignore = $ignored])?
        fn $case() {
            $crate::conformance::case_of::<super::ConformanceFixture>(
                concat!(stringify!($family), "::", stringify!($case)),
            )
            .run();
        }

        $crate::__conformance_family! { [$($ignored)?] $family $($more)* }
    };
}

/// Makes one `#[test]` of every case, for a [`PortFixture`](crate::conformance::PortFixture); see the
/// [module](mod@crate::conformance).
///
/// With `ignore = "reason"` every test is ignored unless asked for, as for a port that needs a server. A module may call
/// it once.
#[macro_export]
macro_rules! conformance {
    ($fixture:ty $(, ignore = $ignored:literal)? $(,)?) => {
        $crate::__conformance_cases! { __conformance_tests { [$fixture] [$($ignored)?] } }
    };
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::{Case, Kind, cases_on};

    #[test]
    fn every_case_is_listed_once() {
        let sources = [
            ("registration", include_str!("registration.rs")),
            ("leases", include_str!("leases.rs")),
            ("steps", include_str!("steps.rs")),
            ("model", include_str!("model.rs")),
            ("concurrency", include_str!("concurrency.rs")),
            ("take_over", include_str!("take_over.rs")),
            ("promote", include_str!("promote.rs")),
            ("resize", include_str!("resize.rs")),
            ("parked", include_str!("parked.rs")),
        ];
        let written: BTreeSet<_> = sources
            .iter()
            .flat_map(|(family, source)| {
                let cases = source.split("\npub async fn ").skip(1);
                cases.map(move |case| format!("{family}::{}", case.split('(').next().unwrap()))
            })
            .collect();
        let nowhere =
            Kind { fresh: |_| Box::pin(std::future::pending()), patience: Duration::ZERO };
        let listed = cases_on(nowhere);
        let distinct: BTreeSet<_> = listed.iter().map(Case::name).map(ToOwned::to_owned).collect();
        assert_eq!(distinct, written);
        assert_eq!(distinct.len(), listed.len());
    }
}
