//! The suite itself is tested here: a port that breaks one rule fails the case of that rule, which says so.

use std::{
    collections::HashMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use factos::{Anchor, EventId};
use factos_consumer::{
    conformance::{PortFixture, cases},
    port::{
        Advance, Beat, ConsumerId, ConsumerRow, ConsumerState, Decision, Grant, Parked,
        ParkedCount, ParkedQuery, PartitionId, Port, PortError, ProcessId, Registration, Selection,
        Snapshot, Step, Succession, Token, Work,
    },
};
use factos_memory::{MemoryConsumers, MemoryTransaction};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

/// What is wrong with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// A token is compared nowhere in the call.
    AnyTokenCommits,
    AnyTokenReports,
    AnyTokenReleases,
    /// A beat with a lost token renews the lease that there is.
    BeatRevives,
    /// A partition moves from wherever it is.
    NoCompareAndSet,
    LongerLease,
    /// A lease is judged by the time at which the call began.
    JudgedAtStart,
    /// A renewed lease is counted from when the call began.
    KeptFromStart,
    /// The checkpoint is kept before the changes, in a transaction of its own.
    CheckpointFirst,
    /// The changes are kept before the checkpoint.
    CheckpointLast,
    /// Every parked event is due, whatever it waits behind.
    NothingWaits,
    GrantBlocksNothing,
    SkippedBlocks,
    /// The partitions are divided at the highest of them, though others are below.
    NotDrained,
    /// The switch is kept before what is written for it.
    PromotedInTwo,
    RetryMoves,
    /// What the retired version has in hand is taken away.
    TakenOverAtOnce,
    /// Every version starts with the log.
    NoStart,
    /// A version that is known starts anew where it is registered to.
    StartMoves,
    /// A version of another kind is taken for one of the kind that is kept.
    AnyKind,
}

const FLAWS: [Flaw; 21] = [
    Flaw::None,
    Flaw::AnyTokenCommits,
    Flaw::AnyTokenReports,
    Flaw::AnyTokenReleases,
    Flaw::BeatRevives,
    Flaw::NoCompareAndSet,
    Flaw::LongerLease,
    Flaw::JudgedAtStart,
    Flaw::KeptFromStart,
    Flaw::CheckpointFirst,
    Flaw::CheckpointLast,
    Flaw::NothingWaits,
    Flaw::GrantBlocksNothing,
    Flaw::SkippedBlocks,
    Flaw::NotDrained,
    Flaw::PromotedInTwo,
    Flaw::RetryMoves,
    Flaw::TakenOverAtOnce,
    Flaw::NoStart,
    Flaw::StartMoves,
    Flaw::AnyKind,
];

type Transaction = Option<Box<dyn Work<MemoryTransaction>>>;

/// The port in memory, with a flaw.
#[derive(Clone)]
struct Wrong {
    right: MemoryConsumers,
    flaw: Flaw,
    known: Arc<Mutex<Known>>,
}

/// What a flaw needs to know.
#[derive(Default)]
struct Known {
    tokens: HashMap<PartitionId, Token>,
    until: HashMap<PartitionId, Instant>,
}

impl Wrong {
    /// The token that the call is made with.
    fn token(&self, flaw: Flaw, partition: &PartitionId, token: Token) -> Token {
        let present = self.known.lock().tokens.get(partition).copied();
        if self.flaw == flaw { present.unwrap_or(token) } else { token }
    }

    /// Moves every partition to an anchor, that of the highest one by default.
    async fn skip_to(&self, consumer: &ConsumerId, to: Option<&Anchor>) -> Result<(), PortError> {
        let (process, mut grants) = (ProcessId("drains".to_owned()), Vec::new());
        for number in 0.. {
            let partition = PartitionId { consumer: consumer.clone(), number };
            match self.right.acquire(&process, &partition, Duration::from_secs(60)).await? {
                Some(grant) => grants.push((partition, grant)),
                None => break,
            }
        }
        let anchors = grants.iter().filter_map(|(_, grant)| grant.anchor.clone());
        if let Some(to) = to.cloned().or_else(|| anchors.max_by_key(Anchor::position)) {
            for (partition, grant) in &grants {
                let from = grant.anchor.as_ref().map(Anchor::position);
                let mut step = Step::new(partition.clone(), grant.token);
                step.advance = Some(Advance { from, to: to.clone() });
                self.right.commit(step, None).await?;
            }
        }
        self.right.leave(&process).await
    }

    /// Moves every partition that has begun and is leased by one.
    async fn move_on(&self, consumer: &ConsumerId, log: &str) -> Result<(), PortError> {
        let tokens = self.known.lock().tokens.clone();
        for row in self.right.consumers().await?.into_iter().filter(|row| row.consumer == *consumer)
        {
            for partition in row.partitions {
                let id = PartitionId { consumer: consumer.clone(), number: partition.number };
                let (Some(from), Some(token)) = (partition.position, tokens.get(&id)) else {
                    continue;
                };
                let to = Anchor::new(log, from.saturating_add(1), EventId::new());
                let mut step = Step::new(id, *token);
                step.advance = Some(Advance { from: Some(from), to });
                self.right.commit(step, None).await?;
            }
        }
        Ok(())
    }
}

impl Port for Wrong {
    type Tx = MemoryTransaction;

    async fn register(&self, registration: &Registration) -> Result<ConsumerState, PortError> {
        let mut registration = registration.clone();
        if self.flaw == Flaw::NoStart {
            registration.start = None;
        }
        let state = match self.right.register(&registration).await {
            Err(PortError::OtherKind { .. }) if self.flaw == Flaw::AnyKind => {
                registration.succession = match registration.succession {
                    Succession::Rebuild => Succession::TakeOver,
                    Succession::TakeOver => Succession::Rebuild,
                };
                self.right.register(&registration).await?
            }
            outcome => outcome?,
        };
        let consumer = &registration.consumer;
        match (self.flaw, &registration.start) {
            (Flaw::NotDrained, _) => self.skip_to(consumer, None).await?,
            (Flaw::StartMoves, Some(start)) => self.skip_to(consumer, Some(start)).await?,
            _ => {}
        }
        if self.flaw == Flaw::TakenOverAtOnce {
            let tokens = self.known.lock().tokens.clone();
            for (partition, token) in tokens {
                if partition.consumer.version < consumer.version {
                    self.right.release(&partition, token).await?;
                }
            }
        }
        Ok(state)
    }

    async fn beat(&self, beat: &Beat) -> Result<Snapshot, PortError> {
        let (began, mut beat) = (Instant::now(), beat.clone());
        for (partition, token) in &mut beat.held {
            *token = self.token(Flaw::BeatRevives, partition, *token);
        }
        if self.flaw == Flaw::KeptFromStart {
            self.right.consumers().await?;
            beat.lease = beat.lease.saturating_sub(began.elapsed());
        }
        self.right.beat(&beat).await
    }

    async fn acquire(
        &self,
        process: &ProcessId,
        partition: &PartitionId,
        lease: Duration,
    ) -> Result<Option<Grant>, PortError> {
        let began = Instant::now();
        if self.flaw == Flaw::JudgedAtStart {
            let until = self.known.lock().until.get(partition).copied();
            if until.is_some_and(|until| until > began) {
                self.right.consumers().await?;
                return Ok(None);
            }
        }
        let lease = if self.flaw == Flaw::LongerLease { lease * 2 } else { lease };
        let Some(mut grant) = self.right.acquire(process, partition, lease).await? else {
            return Ok(None);
        };
        if self.flaw == Flaw::GrantBlocksNothing {
            grant.blocked.clear();
        }
        if self.flaw == Flaw::SkippedBlocks {
            let all = ParkedQuery::Listed { consumer: partition.consumer.clone(), after: None };
            let all = self.right.parked(&all, u32::MAX).await?;
            let skipped = all.into_iter().filter(|parked| parked.skipped.is_some());
            grant.blocked.extend(skipped.filter_map(|parked| parked.key));
            grant.blocked.sort();
            grant.blocked.dedup();
        }
        let mut known = self.known.lock();
        known.tokens.insert(partition.clone(), grant.token);
        known.until.insert(partition.clone(), began + lease);
        Ok(Some(grant))
    }

    async fn release(&self, partition: &PartitionId, token: Token) -> Result<(), PortError> {
        let token = self.token(Flaw::AnyTokenReleases, partition, token);
        self.right.release(partition, token).await
    }

    async fn leave(&self, process: &ProcessId) -> Result<(), PortError> {
        self.right.leave(process).await
    }

    async fn commit(&self, mut step: Step, work: Transaction) -> Result<(), PortError> {
        step.token = self.token(Flaw::AnyTokenCommits, &step.partition, step.token);
        let alone = Step::new(step.partition.clone(), step.token);
        match self.flaw {
            Flaw::NoCompareAndSet => {
                let rows = self.right.consumers().await?;
                let of = rows.iter().find(|row| row.consumer == step.partition.consumer);
                let number = step.partition.number as usize;
                let kept =
                    of.and_then(|row| row.partitions.get(number)).and_then(|row| row.position);
                if let Some(advance) = &mut step.advance {
                    advance.from = kept;
                }
            }
            Flaw::CheckpointFirst => {
                self.right.commit(step, None).await?;
                return self.right.commit(alone, work).await;
            }
            Flaw::CheckpointLast => {
                self.right.commit(alone, work).await?;
                return self.right.commit(step, None).await;
            }
            _ => {}
        }
        self.right.commit(step, work).await
    }

    async fn report(
        &self,
        partition: &PartitionId,
        token: Token,
        error: &str,
    ) -> Result<(), PortError> {
        let token = self.token(Flaw::AnyTokenReports, partition, token);
        self.right.report(partition, token, error).await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerRow>, PortError> {
        self.right.consumers().await
    }

    async fn parked(&self, query: &ParkedQuery, most: u32) -> Result<Vec<Parked>, PortError> {
        let (Flaw::NothingWaits, ParkedQuery::Due { partition, .. }) = (self.flaw, query) else {
            return self.right.parked(query, most).await;
        };
        let all = ParkedQuery::Listed { consumer: partition.consumer.clone(), after: None };
        let mut due = self.right.parked(&all, u32::MAX).await?;
        due.retain(|parked| parked.skipped.is_none() && parked.retry_in == Some(Duration::ZERO));
        due.truncate(most as usize);
        Ok(due)
    }

    async fn count_parked(&self, consumer: &ConsumerId) -> Result<ParkedCount, PortError> {
        self.right.count_parked(consumer).await
    }

    async fn decide(
        &self,
        consumer: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> Result<u64, PortError> {
        let count = self.right.decide(consumer, selection, decision).await?;
        if self.flaw == Flaw::RetryMoves {
            self.move_on(consumer, "0197e0a4-0000-7000-8000-000000000001").await?;
        }
        Ok(count)
    }

    async fn promote(&self, consumer: &ConsumerId, work: Transaction) -> Result<(), PortError> {
        if self.flaw == Flaw::PromotedInTwo {
            self.right.promote(consumer, None).await?;
        }
        self.right.promote(consumer, work).await
    }

    async fn retire(&self, consumer: &ConsumerId) -> Result<(), PortError> {
        self.right.retire(consumer).await
    }
}

/// Tables on which the port has the flaw of this number.
struct Tables<const FLAW: usize>(Wrong);

impl<const FLAW: usize> PortFixture for Tables<FLAW> {
    type Port = Wrong;

    const MODEL_CASES: u32 = 100;
    const SEED: Option<u64> = Some(5);

    async fn fresh() -> Self {
        let right = MemoryConsumers::new();
        Self(Wrong { right, flaw: FLAWS[FLAW], known: Arc::default() })
    }

    async fn connect(&self) -> Wrong {
        self.0.clone()
    }

    fn write<'t>(
        tx: &'t mut MemoryTransaction,
        row: &'t str,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        tx.model::<Vec<String>>().push(row.to_owned());
        Box::pin(async { Ok(()) })
    }

    async fn rows(&self) -> Vec<String> {
        self.0.right.model().await
    }
}

/// What the case says on a port with this flaw; nothing if it passes.
fn told<const FLAW: usize>(name: &str) -> Option<String> {
    let case = cases::<Tables<FLAW>>().into_iter().find(|case| case.name() == name);
    let failure = case.unwrap_or_else(|| panic!("no case {name}")).verdict().err()?;
    let text = failure.downcast_ref::<&str>().map(|text| (*text).to_owned());
    Some(text.or_else(|| failure.downcast_ref::<String>().cloned()).unwrap_or_default())
}

macro_rules! told {
    ($($name:ident: $flaw:ident, $case:literal says $rule:literal;)*) => {
        $(#[test]
        fn $name() {
            const FLAW: usize = number(Flaw::$flaw);
            let told = told::<FLAW>($case).expect(concat!($case, " passes"));
            assert!(told.contains($rule), "{} does not say {:?}: {told}", $case, $rule);
            assert_eq!(self::told::<0>($case), None, "the same case on a right port");
        })*
    };
}

const fn number(flaw: Flaw) -> usize {
    let mut number = 0;
    while FLAWS[number] as u8 != flaw as u8 {
        number += 1;
    }
    number
}

told! {
    a_step_under_any_token: AnyTokenCommits, "leases::a_step_under_an_older_token_changes_nothing"
        says "a step under an older token is refused";
    a_report_under_any_token: AnyTokenReports, "leases::a_report_under_an_older_token_changes_nothing"
        says "the error after a report under an older token";
    a_release_under_any_token: AnyTokenReleases, "leases::a_release_under_an_older_token_changes_nothing"
        says "a lease that was released by an older token";
    a_beat_that_revives: BeatRevives, "leases::a_beat_under_an_older_token_revives_nothing"
        says "what is lost of a lease that was granted anew";
    no_compare_and_set: NoCompareAndSet, "steps::a_partition_moves_from_where_it_is"
        says "is refused where the partition is at 0";
    a_longer_lease: LongerLease, "leases::a_lease_lasts_its_length"
        says "a lease lasts no longer than was asked for";
    a_lease_judged_at_the_start: JudgedAtStart, "leases::a_lease_is_judged_when_it_is_compared"
        says "a lease that ran out while its step was waited for is granted";
    a_lease_kept_from_the_start: KeptFromStart, "leases::a_lease_lasts_its_length"
        says "from the statement that keeps it";
    a_checkpoint_before_the_changes: CheckpointFirst, "steps::a_step_whose_work_fails_keeps_nothing"
        says "a step whose work fails keeps nothing: position";
    changes_before_the_checkpoint: CheckpointLast, "steps::a_partition_moves_from_where_it_is"
        says "rows";
    a_key_that_does_not_wait: NothingWaits, "parked::the_first_of_a_key_is_tried"
        says "the first of x and of y";
    a_key_that_a_grant_does_not_tell: GrantBlocksNothing, "parked::a_grant_has_the_keys_that_wait"
        says "the keys of partition 0 that wait";
    a_skipped_event_that_blocks: SkippedBlocks, "parked::a_skipped_event_blocks_nobody"
        says "y, whose only event was skipped, waits for nothing";
    a_resize_that_does_not_drain: NotDrained, "resize::the_last_partition_below_is_waited_for"
        says "partition 1 of orders v1";
    a_partition_that_has_not_begun_is_divided: NotDrained,
        "resize::a_partition_that_has_not_begun_is_waited_for"
        says "partitions are not divided while one has not begun";
    a_promotion_in_two: PromotedInTwo, "promote::a_promotion_whose_work_fails_keeps_nothing"
        says "a promotion whose work does not end well keeps nothing";
    a_retry_that_moves: RetryMoves, "parked::a_decision_moves_no_partition"
        says "retried";
    what_is_in_hand_is_taken_away: TakenOverAtOnce, "take_over::what_is_in_hand_is_waited_for"
        says "a version waits until what is in hand";
    a_version_that_starts_with_the_log: NoStart, "registration::a_new_version_starts_where_it_is_to"
        says "v1 starts at 7";
    a_start_that_is_forgotten_when_divided: NoStart,
        "registration::a_start_is_kept_when_a_version_is_divided" says "of one that starts at 7";
    a_start_that_moves: StartMoves, "registration::a_start_moves_no_known_version"
        says "v1, registered again to start at 9";
    a_start_of_what_takes_over: StartMoves, "registration::what_takes_over_has_no_start"
        says "v3 is where v2 was";
    a_version_of_any_kind: AnyKind, "registration::versions_of_a_name_are_of_one_kind"
        says "a version of another kind than those of its name is refused";
    the_model_finds_a_flaw: SkippedBlocks, "model::random_operations_agree_with_plain_lists"
        says "what is granted";
    a_race_finds_changes_before_the_checkpoint: CheckpointLast,
        "steps::one_of_two_steps_from_a_position_is_made" says "the row of the step that was made";
}
