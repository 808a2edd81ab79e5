//! A case hangs if none of its calls ends, however fast it was before, and never because it takes long.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventStore, Events, NewEvent, Query, ReadOptions,
    Recorded, SequencePosition, StoreError, StreamName, Turns,
    conformance::{Case, Fixture, cases},
};

use crate::{right_stores::Right, shared_fixture::AnyLog, store_by_rules};

/// How long a call may take in these tests.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which calls are slow, and which have no end.
trait Speed: Send + Sync + 'static {
    const NAP: Duration = Duration::ZERO;
    const STOPS: Stop = Stop::Nowhere;
}

#[derive(PartialEq)]
enum Stop {
    Nowhere,
    Read,
    ReadStream,
    Append,
    Head,
    Wait,
}

struct Log<S>(Box<dyn AnyLog>, std::marker::PhantomData<S>);

struct Paced<S>(Box<dyn EventStore>, std::marker::PhantomData<S>);

impl<S: Speed> Fixture for Log<S> {
    type Store = Paced<S>;

    const SOON: Duration = Duration::from_secs(1);
    const PATIENCE: Duration = PATIENCE;

    async fn fresh() -> Self {
        Self(store_by_rules::log::<Right>(), std::marker::PhantomData)
    }

    async fn connect(&self) -> Paced<S> {
        Paced(self.0.open(), std::marker::PhantomData)
    }
}

impl<S: Speed> Paced<S> {
    async fn call(&self, stop: Stop) {
        if S::STOPS == stop {
            std::future::pending::<()>().await;
        }
        if !S::NAP.is_zero() {
            tokio::time::sleep(S::NAP).await;
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Speed> EventStore for Paced<S> {
    fn log_id(&self) -> &str {
        self.0.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.call(Stop::Read).await;
        self.0.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.call(Stop::ReadStream).await;
        self.0.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.call(Stop::Append).await;
        self.0.append(events, condition).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.call(Stop::Append).await;
        self.0.append_unless(events, exists, guard, after).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.call(Stop::Head).await;
        self.0.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.call(Stop::Wait).await;
        self.0.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.0.turns()
    }
}

/// Each call takes a while.
struct Slow;

impl Speed for Slow {
    const NAP: Duration = Duration::from_millis(20);
}

macro_rules! stopped {
    ($($name:ident: $store:ident stops $call:ident, $case:literal says $told:literal;)*) => {
        $(struct $store;

        impl Speed for $store {
            const STOPS: Stop = Stop::$call;
        }

        #[test]
        fn $name() {
            let failure = case::<$store>($case).verdict().expect_err("the case passes");
            let told = failure.downcast_ref::<String>().map_or("", |told| told);
            assert!(told.contains($told), "{told}");
        })*
    };
}

stopped! {
    an_append_without_end_is_named: NoAppend stops Append, "append::any_uuid_is_an_id"
        says "append::any_uuid_is_an_id hangs: an append has no end after 2s";
    a_read_without_end_is_named: NoRead stops Read, "append::any_uuid_is_an_id"
        says "append::any_uuid_is_an_id hangs: a read has no end after 2s";
    a_read_of_a_stream_without_end_is_named: NoStream stops ReadStream,
        "revisions::a_stream_is_read_by_itself"
        says "revisions::a_stream_is_read_by_itself hangs: a read of a stream has no end after 2s";
    a_look_at_the_head_without_end_is_named: NoHead stops Head, "read::the_head_is_the_last_position"
        says "read::the_head_is_the_last_position hangs: a look at the head has no end after 2s";
    a_wait_without_end_is_named: NoWake stops Wait, "follow::what_is_there_is_not_waited_for"
        says "a wait ends at once if an event is there: nothing after 1s";
}

#[test]
fn a_slow_store_that_goes_on_passes() {
    let start = Instant::now();
    case::<Slow>("handle::a_handle_reads_its_own_writes").run();
    assert!(start.elapsed() > PATIENCE, "longer than one call may take");
}

fn case<S: Speed>(name: &str) -> Case {
    let case = cases::<Log<S>>().into_iter().find(|case| case.name() == name);
    case.unwrap_or_else(|| panic!("no case {name}"))
}
