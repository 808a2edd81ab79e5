//! Cases of leases: who may write, and until when.

use std::time::{Duration, Instant};

use super::{
    handle::Handle,
    parallel::{at_once, ended},
    port_calls::{
        all_parked, assert_lost, commit, commit_with, done, held, lease, lease_for,
        lease_once_free, park, partition_row, positions, until,
    },
    sample_values::{
        HOUR, LONG, SHORT, anchor, at, beat, beat_for, moves, orders, parked, parks, partition,
        partition_of, position, rebuilt,
    },
    script::{Gate, Script},
    tables::Tables,
};
use crate::port::{ConsumerId, Grant, PartitionId, ProcessId, Settled, Step, Token, Until};

/// By how much the clock of the database and that of this process may run apart while a case runs.
const DRIFT: Duration = Duration::from_millis(50);

/// How long a transaction is held open for others to wait behind it: much longer than the drift.
const HELD_OPEN: Duration = Duration::from_millis(300);

/// Of many processes that ask for a lease at once, one gets it.
pub async fn one_of_many_is_granted(tables: Tables) {
    let handles = tables.handles::<5>().await;
    handles[0].register(&rebuilt(1, 3)).await;
    for round in 0..6 {
        let tasks = (0..15).map(|task| {
            let handle = handles[task % 5].clone();
            async move {
                let partition = partition(u32::try_from(task / 5).unwrap());
                let granted = handle.acquire(&format!("p{task}"), &partition, LONG).await;
                granted.map(|grant| (partition, format!("p{task}"), grant.token))
            }
        });
        let granted: Vec<_> = at_once(tasks).await.into_iter().flatten().collect();
        let of_whom: Vec<_> = granted.iter().map(|(partition, ..)| partition.number).collect();
        assert_eq!(of_whom, [0, 1, 2], "who of five gets a lease, round {round}");
        for (partition, process, token) in granted {
            let owner = partition_row(&handles[0], &partition).await.owner;
            assert_eq!(owner, Some(ProcessId(process)), "the owner that is shown");
            handles[1].release(&partition, token).await;
        }
    }
}

/// A partition that is leased is not granted to another process, whichever handle asks; others of the consumer are.
pub async fn a_lease_excludes_others(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    lease(&here, "a", &partition(0)).await;
    for handle in [&here, &there] {
        let granted = handle.acquire("b", &partition(0), LONG).await;
        assert_eq!(granted, None, "a partition that another process has leased");
    }
    lease(&there, "b", &partition(1)).await;
}

/// Each lease of a partition has a token above all before, however the one before ended.
pub async fn tokens_rise(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    let partition = partition(0);
    let mut last = lease_for(&here, "a", &partition, SHORT).await.token;
    let mut rises = |grant: &Grant, how: &str| {
        assert!(grant.token > last, "{:?} after {last:?}, which ended {how}", grant.token);
        last = grant.token;
    };
    let grant = lease_once_free(&there, "b", &partition).await;
    rises(&grant, "by running out");
    there.release(&partition, grant.token).await;
    let grant = lease(&here, "a", &partition).await;
    rises(&grant, "by its release");
    there.leave("a").await;
    rises(&lease(&there, "a", &partition).await, "with its process");
}

/// A lease that ran out is granted to another process, and nobody is shown as its owner in between.
pub async fn a_lease_that_ran_out_is_granted_anew(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    let old = lease_for(&here, "a", &partition(0), SHORT).await;
    commit(&here, moves(&partition(0), old.token, 0, 10)).await;
    let shown = until("a lease runs out", async || {
        let row = partition_row(&here, &partition(0)).await;
        row.owner.is_none().then_some(row)
    });
    assert_eq!(shown.await.free_in, Duration::ZERO, "in how long a free partition is free");
    let new = lease(&there, "b", &partition(0)).await;
    assert_eq!(new.anchor, Some(anchor(10)), "the next process goes on where the last one was");
    let owner = partition_row(&here, &partition(0)).await.owner;
    assert_eq!(owner, Some(ProcessId("b".to_owned())), "the owner that is shown");
}

/// That a lease has run out does not end it: as long as it was not granted anew, its process writes, reports, renews it
/// and gives it back.
pub async fn a_lease_that_ran_out_still_writes(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let grant = lease_for(&here, "a", &partition, SHORT).await;
    run_out(&there, &partition).await;
    commit_with(&here, moves(&partition, grant.token, 0, 10), Script::writes("late")).await;
    assert_eq!(tables.rows().await, ["late"], "what was written after the lease had run out");
    here.report(&partition, grant.token, "late").await;
    let error = partition_row(&there, &partition).await.error;
    assert_eq!(error.as_deref(), Some("late"), "a report after the lease had run out");
    let lost = here.beat(&beat_for("a", &held(&[(&partition, &grant)]), LONG)).await.lost;
    assert_eq!(lost, [], "what is lost of a lease that had run out and was not granted anew");
    let granted = there.acquire("b", &partition, LONG).await;
    assert_eq!(granted, None, "a lease that was renewed after it had run out");
}

/// A step under a token from before the last lease changes nothing, whatever it would change, and what its work wrote is
/// rolled back.
pub async fn a_step_under_an_older_token_changes_nothing(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    park(&here, &partition, [parked(3, Some("x"))]).await;
    let old = lease_for(&here, "a", &partition, SHORT).await;
    let new = lease_once_free(&there, "b", &partition).await;
    there.report(&partition, new.token, "the new one's").await;
    let before = (there.consumers().await[0].clone().state, all_parked(&there, &orders(1)).await);
    let settles =
        |settled| Step { settle: vec![settled], ..Step::new(partition.clone(), old.token) };
    let failed = Settled::Failed {
        position: position(3),
        index: 1,
        failure: super::sample_values::failure(9, None),
    };
    let steps = [
        ("a move", moves(&partition, old.token, 0, 10)),
        ("an event that is parked", parks(&partition, old.token, [parked(5, None)])),
        ("an event that is done", settles(Settled::Done(position(3)))),
        ("an event that failed again", settles(failed)),
        ("nothing but what is written", Step::new(partition.clone(), old.token)),
    ];
    for (what, step) in steps {
        let rule = format!("a step under an older token is refused: {what}");
        for work in [None, Some(Script::writes(what))] {
            assert_lost(&rule, here.commit(step.clone(), work).await, &partition);
        }
    }
    assert_eq!(tables.rows().await, [""; 0], "what was written under an older token");
    let after = (there.consumers().await[0].clone().state, all_parked(&there, &orders(1)).await);
    assert_eq!(after, before, "what was changed under an older token");
    let row = partition_row(&there, &partition).await;
    assert_eq!(row.position, None, "the position after steps under an older token");
    assert_eq!(row.error.as_deref(), Some("the new one's"), "the error after such steps");
    commit(&there, moves(&partition, new.token, 0, 10)).await;
}

/// A report under a token from before the last lease is not kept.
pub async fn a_report_under_an_older_token_changes_nothing(tables: Tables) {
    let [here, there] = tables.handles().await;
    let (partition, old, _new) = granted_anew(&here, &there).await;
    here.report(&partition, old.token, "late").await;
    let error = partition_row(&there, &partition).await.error;
    assert_eq!(error, None, "the error after a report under an older token");
}

/// A release under a token from before the last lease leaves that as it is.
pub async fn a_release_under_an_older_token_changes_nothing(tables: Tables) {
    let [here, there] = tables.handles().await;
    let (partition, old, new) = granted_anew(&here, &there).await;
    here.release(&partition, old.token).await;
    let granted = here.acquire("c", &partition, LONG).await;
    assert_eq!(granted, None, "a lease that was released by an older token");
    commit(&there, moves(&partition, new.token, 0, 10)).await;
}

/// A beat with a token from before the last lease revives nothing, lengthens no other's lease, and says what is lost.
pub async fn a_beat_under_an_older_token_revives_nothing(tables: Tables) {
    let [here, there] = tables.handles().await;
    let (partition, old, new) = granted_anew(&here, &there).await;
    let lost = here.beat(&beat_for("a", &held(&[(&partition, &old)]), 2 * LONG)).await.lost;
    assert_eq!(
        lost,
        std::slice::from_ref(&partition),
        "what is lost of a lease that was granted anew"
    );
    let free_in = partition_row(&there, &partition).await.free_in;
    assert!(
        free_in <= LONG + DRIFT,
        "the lease of {LONG:?} of another process ends in {free_in:?}"
    );
    let step = moves(&partition, old.token, 0, 10);
    assert_lost("a lost lease stays lost after a beat", here.commit(step, None).await, &partition);
    let lost = there.beat(&beat_for("b", &held(&[(&partition, &new)]), LONG)).await.lost;
    assert_eq!(lost, [], "what the process lost that was granted the lease");
}

/// A token that is not that of the lease is worth nothing: a later one, that of another partition, of another version,
/// or one of a lease that was given back.
pub async fn another_token_is_of_no_lease(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 3)).await;
    here.register(&rebuilt(2, 1)).await;
    let first = lease(&here, "a", &partition(0)).await;
    let second = lease(&here, "a", &partition(1)).await;
    let other = lease(&here, "a", &partition_of(2, 0)).await;
    let released = lease(&here, "a", &partition(2)).await;
    here.release(&partition(2), released.token).await;
    let rule = "a step under another token than that of the lease is refused";
    let wrong = [
        (partition(0), Token(first.token.0 + 1000)),
        (partition(0), Token(0)),
        (partition(2), released.token),
        (partition(2), Token(0)),
        (PartitionId { consumer: ConsumerId::new("nobody", 1), number: 0 }, first.token),
        (partition(7), first.token),
    ];
    // Tokens of two partitions may be equal, as each is compared with its own partition's.
    let mixed = [(partition(0), second.token), (partition(1), other.token)];
    let mixed = mixed.into_iter().filter(|(partition, token)| {
        *token != if partition.number == 0 { first.token } else { second.token }
    });
    for (partition, token) in wrong.into_iter().chain(mixed) {
        let step = moves(&partition, token, 0, 10);
        assert_lost(rule, there.commit(step, Some(Script::writes("lost"))).await, &partition);
        there.report(&partition, token, "lost").await;
        there.release(&partition, token).await;
        let beat = beat_for("b", &[(partition.clone(), token)], LONG);
        assert_eq!(there.beat(&beat).await.lost, [partition], "what is lost by another token");
    }
    assert_eq!(tables.rows().await, [""; 0], "what was written under another token");
    for (partition, grant) in [(partition(0), first), (partition(1), second)] {
        commit(&here, moves(&partition, grant.token, 0, 10)).await;
    }
}

/// A beat renews the leases that it names, and no others of its process.
pub async fn a_beat_renews_what_it_holds(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 2)).await;
    let (first, second) = (partition(0), partition(1));
    let kept = lease_for(&here, "a", &first, SHORT).await;
    lease_for(&here, "a", &second, SHORT).await;
    let lost = here.beat(&beat_for("a", &held(&[(&first, &kept)]), LONG)).await.lost;
    assert_eq!(lost, [], "what is lost of what is held");
    lease_once_free(&there, "b", &second).await;
    let granted = there.acquire("b", &first, LONG).await;
    assert_eq!(granted, None, "a lease that a beat has renewed");
    commit(&here, moves(&first, kept.token, 0, 10)).await;
}

/// A lease ends as long after the statement that keeps it as was asked for: not later, and not sooner if the statement
/// has waited behind another transaction.
pub async fn a_lease_lasts_its_length(tables: Tables) {
    let [here, there, beside] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let begun = Instant::now();
    let grant = lease_for(&here, "a", &partition, HOUR).await;
    assert_length(&beside, &partition, HOUR, begun).await;
    let begun = Instant::now();
    here.beat(&beat_for("a", &held(&[(&partition, &grant)]), LONG)).await;
    assert_length(&beside, &partition, LONG, begun).await;
    let step = moves(&partition, grant.token, 0, 10);
    let renewal = beat_for("a", &held(&[(&partition, &grant)]), HOUR);
    let (_, kept_since) = behind(&here, step, async move { there.beat(&renewal).await }).await;
    assert_length(&beside, &partition, HOUR, kept_since).await;
}

/// Whether a lease has run out is judged when it is compared, and not when the call or its transaction began: a process
/// that has waited behind a transaction until the lease had run out is granted it, for its whole length.
pub async fn a_lease_is_judged_when_it_is_compared(tables: Tables) {
    let [here, there, beside] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let old = lease_for(&here, "a", &partition, HELD_OPEN / 2).await;
    let step = moves(&partition, old.token, 0, 10);
    let asked = partition.clone();
    let ((granted, waited), since) =
        behind(&here, step, async move { there.acquire("b", &asked, LONG).await }).await;
    if waited {
        let rule = "a lease that ran out while its step was waited for is granted";
        let grant = granted.unwrap_or_else(|| panic!("{rule}, and it was not"));
        assert_eq!(grant.anchor, Some(anchor(10)), "where to go on after the step waited for");
        assert_length(&beside, &partition, LONG, since).await;
    } else {
        assert_eq!(granted, None, "a lease that was judged while a step under it was open");
        lease_once_free(&beside, "b", &partition).await;
    }
}

/// A process that leaves gives its leases back and is forgotten, and those of others stay.
pub async fn leaving_gives_back(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 3)).await;
    let partitions = [partition(0), partition(1), partition(2)];
    let grants = [
        lease(&here, "a", &partitions[0]).await,
        lease(&here, "b", &partitions[1]).await,
        lease(&here, "a", &partitions[2]).await,
    ];
    for process in ["a", "b"] {
        here.beat(&beat(process, &[1], LONG)).await;
    }
    there.leave("a").await;
    for at in [0, 2] {
        let step = moves(&partitions[at], grants[at].token, 0, 10);
        let rule = "a process that has left writes no more";
        assert_lost(rule, here.commit(step, None).await, &partitions[at]);
        lease(&there, "c", &partitions[at]).await;
    }
    commit(&here, moves(&partitions[1], grants[1].token, 0, 10)).await;
    let snapshot = there.beat(&beat("b", &[1], LONG)).await;
    let alive: Vec<_> = snapshot.processes.iter().map(|live| live.process.0.as_str()).collect();
    assert_eq!(alive, ["b"], "the processes that are alive after one has left");
    there.leave("never seen").await;
}

/// A beat shows the processes that are alive, with what they serve; one whose beat is over is forgotten.
pub async fn processes_that_beat_no_more_are_forgotten(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    here.register(&rebuilt(2, 1)).await;
    let alive = |snapshot: crate::port::Snapshot| {
        let mut alive: Vec<_> =
            snapshot.processes.into_iter().map(|live| (live.process.0, live.serves)).collect();
        alive.sort();
        alive
    };
    here.beat(&beat("a", &[1], LONG)).await;
    let found = alive(there.beat(&beat("b", &[1, 2], LONG)).await);
    let both = [("a".to_owned(), vec![orders(1)]), ("b".to_owned(), vec![orders(1), orders(2)])];
    assert_eq!(found, both, "two processes that are alive");
    here.beat(&beat("a", &[2], SHORT)).await;
    let found = until("a process that beats no more is forgotten", async || {
        let found = alive(there.beat(&beat("b", &[], LONG)).await);
        (found.len() == 1).then_some(found)
    });
    assert_eq!(found.await, [("b".to_owned(), vec![])], "the process that beats, as it said last");
    let found = alive(here.beat(&beat("a", &[2], LONG)).await);
    assert_eq!(found.len(), 2, "a process that was forgotten and beats again: {found:?}");
}

/// A beat shows the versions that its process serves and that are known, but for those that are retired.
pub async fn a_beat_shows_what_is_served(tables: Tables) {
    let handle = tables.connect().await;
    for version in [1, 2, 3, 4] {
        handle.register(&rebuilt(version, 2)).await;
    }
    done(handle.retire(&orders(3)).await, "to retire v3");
    let shown = handle.beat(&beat("a", &[1, 3, 4, 9], LONG)).await.consumers;
    let mut shown: Vec<_> = shown.iter().map(|row| row.consumer.version).collect();
    shown.sort_unstable();
    assert_eq!(shown, [1, 4], "of v1, v4, v3 that is retired, and v9 that is not known");
}

/// What is not there is granted to nobody: a partition beyond the last, a version that is not known.
pub async fn what_is_not_there_is_not_granted(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(1, 2)).await;
    let nobody = PartitionId { consumer: ConsumerId::new("nobody", 1), number: 0 };
    for absent in [partition(2), partition(u32::MAX), partition_of(2, 0), nobody] {
        let granted = handle.acquire("a", &absent, LONG).await;
        assert_eq!(granted, None, "{absent}, which is not there");
        handle.release(&absent, Token(1)).await;
        handle.report(&absent, Token(1), "lost").await;
    }
    assert_eq!(handle.consumers().await.len(), 1, "consumers, of which one was registered");
}

/// A grant says into how many partitions the consumer is divided, where the partition has come to with the log and the
/// event there, and where it must stop.
pub async fn a_grant_says_where_to_go_on(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 3)).await;
    let partition = partition(1);
    let first = lease(&here, "a", &partition).await;
    let new = Grant {
        token: first.token,
        partitions: 3,
        anchor: None,
        resize: None,
        blocked: Vec::new(),
    };
    assert_eq!(first, new, "the grant of a new partition");
    let far = 1 << 62;
    commit(&here, moves(&partition, first.token, 0, far)).await;
    here.release(&partition, first.token).await;
    let second = lease(&there, "b", &partition).await;
    assert_eq!(second.anchor, Some(anchor(far)), "where the partition has come to");
    here.register(&rebuilt(1, 5)).await;
    let third = lease(&there, "b", &partition).await;
    assert_eq!(third.resize, Some(Until(at(far))), "where the partition must stop");
    assert_eq!(third.partitions, 3, "how it is divided while it is drained");
    assert_eq!(positions(&here, &orders(1)).await, [0, far, 0], "positions of the three");
}

/// Times may be as long as can be told: a lease, the life of a process, and the pause of a parked event.
pub async fn the_longest_times_are_no_error(tables: Tables) {
    let [here, there] = tables.handles().await;
    here.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let grant = lease_for(&here, "a", &partition, Duration::MAX).await;
    here.beat(&beat_for("a", &held(&[(&partition, &grant)]), Duration::MAX)).await;
    let event = super::sample_values::parked_for(3, None, Some(Duration::MAX));
    commit(&here, parks(&partition, grant.token, [event])).await;
    assert_eq!(there.acquire("b", &partition, LONG).await, None, "a lease without end");
    let year = Duration::from_secs(365 * 24 * 3600);
    let free_in = partition_row(&there, &partition).await.free_in;
    assert!(free_in > year, "a lease without end ends in {free_in:?}");
    let retry_in = all_parked(&there, &orders(1)).await[0].retry_in;
    assert!(retry_in > Some(year), "an endless pause ends in {retry_in:?}");
}

/// A partition whose lease, of process `a`, ran out and was granted to process `b`.
async fn granted_anew(here: &Handle, there: &Handle) -> (PartitionId, Grant, Grant) {
    here.register(&rebuilt(1, 1)).await;
    let partition = partition(0);
    let old = lease_for(here, "a", &partition, SHORT).await;
    let new = lease_once_free(there, "b", &partition).await;
    (partition, old, new)
}

/// Ends once the lease of a partition has run out.
async fn run_out(handle: &Handle, partition: &PartitionId) {
    until("a lease runs out", async || {
        partition_row(handle, partition).await.owner.is_none().then_some(())
    })
    .await;
}

/// Makes a call while the transaction of a step is open, which ends with success a while later. Tells what the call came
/// to, and since when at the earliest that is: since the step ended, if the call has waited for it.
async fn behind<T: Send + 'static>(
    handle: &Handle,
    step: Step,
    call: impl Future<Output = T> + Send + 'static,
) -> ((T, bool), Instant) {
    let gate = Gate::closed();
    let (stepping, work) = (handle.clone(), Script::writes("step").waits_at(&gate));
    let stepping = tokio::spawn(async move { stepping.commit(step, Some(work)).await });
    gate.reached().await;
    let begun = Instant::now();
    let waits_for = gate.clone();
    let called = tokio::spawn(async move {
        let outcome = call.await;
        (outcome, waits_for.is_open())
    });
    tokio::time::sleep(HELD_OPEN).await;
    let opened = Instant::now();
    gate.open();
    done(ended(stepping).await, "a step under a lease that was not granted anew");
    let (outcome, waited) = ended(called).await;
    ((outcome, waited), if waited { opened } else { begun })
}

/// Asserts that the lease of a partition ends so long after the call that kept it, which was made after this.
async fn assert_length(handle: &Handle, partition: &PartitionId, length: Duration, since: Instant) {
    let free_in = partition_row(handle, partition).await.free_in;
    let least = length.saturating_sub(since.elapsed());
    assert!(
        free_in + DRIFT >= least,
        "a lease lasts {length:?} from the statement that keeps it, found {free_in:?}, right is {least:?} at least"
    );
    assert!(
        free_in <= length + DRIFT,
        "a lease lasts no longer than was asked for, found {free_in:?}, right is {length:?} at most"
    );
}
