//! Stores that check wrongly that nothing exists.

use std::marker::PhantomData;

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, Conflict, EventStore, Events, Limits, NewEvent, Page,
    Query, ReadOptions, Recorded, SequencePosition, StoreError, StreamName, Turns,
    backend::read_and_append,
};
use tokio::task::yield_now;

use crate::{
    right_stores::Right,
    shared_fixture::AnyLog,
    store_by_rules,
    suite_run::{Expected, accepts, rejects},
};

/// An append under two conditions.
struct Asked {
    events: Vec<NewEvent>,
    exists: Query,
    guard: Query,
    after: Option<SequencePosition>,
}

impl Asked {
    fn guard(&self) -> AppendCondition {
        AppendCondition::fail_if_events_match(self.guard.clone()).after(self.after)
    }

    /// The condition that no event of either query came after a position.
    fn either(&self, after: Option<SequencePosition>) -> AppendCondition {
        let both = self.guard.clone().union(&self.exists);
        AppendCondition::fail_if_events_match(both).after(after)
    }
}

/// How a store goes about it.
#[async_trait]
trait Manner: Send + Sync + 'static {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError>;
}

struct Log<M>(Box<dyn AnyLog>, PhantomData<M>);

struct Store<M>(Box<dyn EventStore>, PhantomData<M>);

fn log<M: Manner>() -> Box<dyn AnyLog> {
    Box::new(Log::<M>(store_by_rules::log::<Right>(), PhantomData))
}

impl<M: Manner> AnyLog for Log<M> {
    fn open(&self) -> Box<dyn EventStore> {
        Box::new(Store::<M>(self.0.open(), PhantomData))
    }

    fn flushes(&self) -> u64 {
        self.0.flushes()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<M: Manner> EventStore for Store<M> {
    fn log_id(&self) -> &str {
        self.0.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.0.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.0.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.0.append(events, condition).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        M::append(&self.0, Asked { events, exists, guard, after }).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.0.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.0.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.0.turns()
    }
}

/// What the trait does by default.
struct ByDefault;

#[async_trait]
impl Manner for ByDefault {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let Asked { events, exists, guard, after } = asked;
        read_and_append(store, events, exists, guard, after).await
    }
}

/// It only looks at the guard.
struct ExistsIsIgnored;

#[async_trait]
impl Manner for ExistsIsIgnored {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let condition = asked.guard();
        store.append(asked.events, condition).await
    }
}

/// It only looks at what must not exist.
struct GuardIsIgnored;

#[async_trait]
impl Manner for GuardIsIgnored {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let condition = AppendCondition::fail_if_events_match(asked.exists);
        store.append(asked.events, condition).await
    }
}

/// What must not exist is looked for after the position of the guard.
struct OnlyNewEventsExist;

#[async_trait]
impl Manner for OnlyNewEventsExist {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let condition = asked.either(asked.after);
        store.append(asked.events, condition).await
    }
}

/// The guard is checked against the whole log.
struct TheGuardHasNoPosition;

#[async_trait]
impl Manner for TheGuardHasNoPosition {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let condition = asked.either(None);
        store.append(asked.events, condition).await
    }
}

/// What must not exist is looked for before the append, and then no more.
struct LooksBefore;

#[async_trait]
impl Manner for LooksBefore {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let condition = asked.guard();
        let found = store.read(&asked.exists, ReadOptions::all().limit(1)).await?;
        if !found.collect().await?.is_empty() {
            let exists = AppendCondition::fail_if_events_match(asked.exists);
            return store.append(asked.events, exists).await;
        }
        yield_now().await;
        store.append(asked.events, condition).await
    }
}

/// The guard is checked before the append, and then no more.
struct LooksAtTheGuardBefore;

#[async_trait]
impl Manner for LooksAtTheGuardBefore {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let condition = asked.guard();
        let options = ReadOptions::all().after(asked.after).limit(1);
        let found = store.read(&asked.guard, options).await?;
        if !found.collect().await?.is_empty() {
            return store.append(asked.events, condition).await;
        }
        yield_now().await;
        let exists = AppendCondition::fail_if_events_match(asked.exists);
        store.append(asked.events, exists).await
    }
}

/// What exists is told before an id that is taken.
struct ExistsComesFirst;

#[async_trait]
impl Manner for ExistsComesFirst {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let Asked { events, exists, guard, after } = asked;
        let found = store.read(&exists, ReadOptions::all().limit(1)).await?;
        if let Some(record) = found.collect().await?.first() {
            let position = record.position;
            return Err(Conflict::EventsMatch { query: exists, after: None, position }.into());
        }
        read_and_append(store, events, exists, guard, after).await
    }
}

/// An event of the batch counts as one that exists.
struct TheBatchExists;

#[async_trait]
impl Manner for TheBatchExists {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let Asked { events, exists, guard, after } = asked;
        if events.iter().any(|event| exists.matches(&event.event_type, &event.tags)) {
            let position = SequencePosition::FIRST;
            return Err(Conflict::EventsMatch { query: exists, after: None, position }.into());
        }
        read_and_append(store, events, exists, guard, after).await
    }
}

/// Each query may have as many items as the limit says.
struct EachQueryHasTheLimit;

#[async_trait]
impl Manner for EachQueryHasTheLimit {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let items = |query: &Query| query.items().map_or(0, <[_]>::len);
        if items(&asked.exists) + items(&asked.guard) > Limits::FLOOR.items_per_query {
            let condition = asked.guard();
            return store.append(asked.events, condition).await;
        }
        ByDefault::append(store, asked).await
    }
}

/// Every refusal names the guard.
struct TheGuardIsBlamed;

#[async_trait]
impl Manner for TheGuardIsBlamed {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let Asked { events, exists, guard, after } = asked;
        let outcome = read_and_append(store, events, exists, guard.clone(), after).await;
        match outcome {
            Err(AppendError::Conflict(Conflict::EventsMatch { position, .. })) => {
                Err(Conflict::EventsMatch { query: guard, after, position }.into())
            }
            outcome => outcome,
        }
    }
}

/// What is refused is written all the same.
struct RefusalsAreWritten;

#[async_trait]
impl Manner for RefusalsAreWritten {
    async fn append(store: &dyn EventStore, asked: Asked) -> Result<Page, AppendError> {
        let Asked { events, exists, guard, after } = asked;
        let outcome = read_and_append(store, events.clone(), exists, guard, after).await;
        if matches!(outcome, Err(AppendError::Conflict(_))) {
            store.append(events, AppendCondition::None).await?;
        }
        outcome
    }
}

#[test]
fn the_default_passes() {
    accepts(log::<ByDefault>);
}

/// Commands with idempotency keys are appended under two conditions: the model notices at times.
const MAY_FAIL: &[&str] = &["model::random_commands_agree_with_a_plain_log"];

macro_rules! wrong_manners {
    ($($name:ident: $store:ident fails [$($fails:literal),* $(,)?];)*) => {
        $(#[test]
        fn $name() {
            let expected = Expected { fails: &[$($fails),*], may_fail: MAY_FAIL };
            rejects(log::<$store>, stringify!($store), &expected);
        })*

        pub(crate) const COVERED: &[&str] = &[$($($fails,)*)*];
    };
}

wrong_manners! {
    exists_is_ignored: ExistsIsIgnored fails [
        "absence::a_refusal_names_what_was_matched",
        "absence::an_old_event_refuses",
        "absence::generated_conditions_hold_by_the_reference",
        "absence::one_of_many_takes_a_name",
    ];
    guard_is_ignored: GuardIsIgnored fails [
        "absence::a_refusal_names_what_was_matched",
        "absence::generated_conditions_hold_by_the_reference",
        "absence::one_of_many_takes_a_boundary",
        "absence::the_guard_is_checked_as_well",
    ];
    only_new_events_exist: OnlyNewEventsExist fails [
        "absence::a_refusal_names_what_was_matched",
        "absence::an_old_event_refuses",
        "absence::generated_conditions_hold_by_the_reference",
    ];
    the_guard_has_no_position: TheGuardHasNoPosition fails [
        "absence::generated_conditions_hold_by_the_reference",
        "absence::the_batch_does_not_count",
    ];
    looks_before: LooksBefore fails ["absence::one_of_many_takes_a_name"];
    looks_at_the_guard_before: LooksAtTheGuardBefore fails [
        "absence::one_of_many_takes_a_boundary",
    ];
    exists_comes_first: ExistsComesFirst fails ["absence::a_taken_id_is_told_before_both"];
    each_query_has_the_limit: EachQueryHasTheLimit fails [
        "absence::the_items_of_both_queries_count",
    ];
    the_batch_exists: TheBatchExists fails ["absence::the_batch_does_not_count"];
    the_guard_is_blamed: TheGuardIsBlamed fails ["absence::a_refusal_names_what_was_matched"];
    refusals_are_written: RefusalsAreWritten fails ["absence::an_old_event_refuses"];
}
