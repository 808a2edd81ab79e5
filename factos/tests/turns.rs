//! Dispatches on a store with turns: how many attempts they need, and who waits for whom.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, Decider, Dispatcher, EncodeError, Error, Event,
    EventStore, EventStoreExt, EventType, Events, NewEvent, Query, QueryFor, QueryItem,
    ReadOptions, Recorded, Retry, Schema, SequencePosition, StoreError, StoreErrorKind, StreamName,
    Tag, Tags, Turns, TypeInfo, Undecodable, decider_fn, dispatch, dispatch_stream,
};
use factos_memory::MemoryStore;
use futures_util::{FutureExt, future::join_all};
use support::*;
use tokio::{runtime::Handle, sync::Semaphore, task::block_in_place};

const HOUR: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(5);

/// A log whose calls give others time to run, and whose appends to a show can be held up.
#[derive(Clone)]
struct Turned(Arc<Shared>);

struct Shared {
    log: MemoryStore,
    turns: Option<Turns>,
    appends: AtomicUsize,
    /// Appends take a permit while it is held up.
    is_held_up: AtomicBool,
    /// How many appends came to where they take it.
    held_up: AtomicUsize,
    gate: Semaphore,
    /// The next append fails, and may be tried again.
    is_busy: AtomicBool,
    reading: AtomicUsize,
    /// How many read at once at most, since the last append began.
    most_reading: AtomicUsize,
}

impl Turned {
    fn of(turns: Option<Turns>) -> Self {
        Self(Arc::new(Shared {
            log: MemoryStore::new(),
            turns,
            appends: AtomicUsize::new(0),
            is_held_up: AtomicBool::new(false),
            held_up: AtomicUsize::new(0),
            gate: Semaphore::new(0),
            is_busy: AtomicBool::new(false),
            reading: AtomicUsize::new(0),
            most_reading: AtomicUsize::new(0),
        }))
    }

    /// With turns that never end by their time.
    fn new() -> Self {
        Self::of(Some(Turns::lasting(HOUR, HOUR)))
    }

    fn appends(&self) -> usize {
        self.0.appends.load(Ordering::Relaxed)
    }

    fn held_up(&self) -> usize {
        self.0.held_up.load(Ordering::Relaxed)
    }

    fn hold_up(&self) {
        self.0.is_held_up.store(true, Ordering::Relaxed);
    }

    fn go_on(&self) {
        self.0.is_held_up.store(false, Ordering::Relaxed);
        self.0.gate.add_permits(1000);
    }

    fn boundaries(&self) -> usize {
        self.turns().unwrap().boundaries()
    }
}

#[async_trait]
impl EventStore for Turned {
    fn log_id(&self) -> &str {
        self.0.log.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let reading = self.0.reading.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most_reading.fetch_max(reading, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.0.reading.fetch_sub(1, Ordering::Relaxed);
        self.0.log.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        tokio::task::yield_now().await;
        self.0.log.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.0.appends.fetch_add(1, Ordering::Relaxed);
        self.0.most_reading.store(0, Ordering::Relaxed);
        tokio::task::yield_now().await;
        if self.0.is_held_up.load(Ordering::Relaxed) {
            self.0.held_up.fetch_add(1, Ordering::Relaxed);
            self.0.gate.acquire().await.unwrap().forget();
        }
        if self.0.is_busy.swap(false, Ordering::Relaxed) {
            return Err(StoreError::new(StoreErrorKind::Busy, "others go first").into());
        }
        self.0.log.append(events, condition).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.0.log.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.0.log.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.0.turns.as_ref()
    }
}

fn endless() -> Retry {
    Retry::attempts(u32::MAX)
}

fn show(name: &str) -> QueryFor<Ticketing> {
    about(&["Sold"], name)
}

/// Sells so many seats of the command's show.
struct Office(usize);

impl Decider for Office {
    type Command = String;
    type Event = Ticketing;
    type State = usize;
    type Error = &'static str;

    fn initial(&self) -> usize {
        0
    }

    fn evolve(&self, sold: usize, _: &Ticketing) -> usize {
        sold + 1
    }

    fn decide(&self, taken: &usize, show: &String) -> Result<Vec<Ticketing>, &'static str> {
        if *taken < self.0 { Ok(vec![sold(show, "somebody")]) } else { Err("sold out") }
    }

    fn context(&self, command: &String) -> QueryFor<Ticketing> {
        show(command)
    }
}

/// Lets so many buyers buy at once. How many tickets were sold.
async fn rush(store: &Turned, buyers: usize, seats: usize) -> usize {
    let buyers = (0..buyers).map(|_| async {
        let sold = dispatch(store, &Office(seats)).retry(endless()).run(&"a".to_owned()).await;
        match sold {
            Ok(_) => true,
            Err(Error::Domain("sold out")) => false,
            Err(other) => panic!("{other:?}"),
        }
    });
    join_all(buyers).await.into_iter().filter(|sold| *sold).count()
}

/// Two commands on show `a` of which one has lost and holds a turn that its append does not end yet.
async fn hold_a_turn(store: &Turned) -> tokio::task::JoinHandle<()> {
    let rival = show("a").into_query().unwrap();
    store.hold_up();
    let holder = tokio::spawn({
        let store = store.clone();
        async move {
            let buy = dispatch(&store, &Office(1000)).retry(endless());
            buy.run(&"a".to_owned()).await.unwrap();
        }
    });
    until(|| store.held_up() == 1).await;
    // It loses: another event comes before its append.
    let event = factos::encode(&sold("a", "rival")).unwrap();
    store.0.log.append(vec![event], AppendCondition::None).await.unwrap();
    store.0.gate.add_permits(1);
    until(|| store.held_up() == 2).await;
    assert!(store.turns().unwrap().is_contended(&rival));
    holder
}

async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

async fn count(store: &Turned, name: &str) -> usize {
    store.read_all(&show(name).into_query().unwrap()).await.unwrap().len()
}

#[tokio::test]
async fn a_command_of_a_rush_is_appended_twice_at_most() {
    const BUYERS: usize = 64;
    let store = Turned::new();
    assert_eq!(rush(&store, BUYERS, BUYERS).await, BUYERS);
    assert!(store.appends() <= 2 * BUYERS, "{} appends", store.appends());
    assert_eq!(store.boundaries(), 0);

    let without = Turned::of(None);
    assert_eq!(rush(&without, BUYERS, BUYERS).await, BUYERS);
    assert!(without.appends() > 8 * BUYERS, "{} appends", without.appends());
}

#[tokio::test]
async fn late_comers_of_a_rush_lose_nothing() {
    let store = Turned::new();
    let holder = hold_a_turn(&store).await;
    let before = store.appends();
    let late = rush(&store, 64, 1000);
    let (sold, ()) = tokio::join!(late, async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.appends(), before, "they wait");
        store.go_on();
    });
    holder.await.unwrap();
    assert_eq!((sold, store.appends() - before), (64, 64));
}

#[tokio::test]
async fn commands_on_one_stream_take_turns() {
    const COMMANDS: usize = 64;
    let store = Turned::new();
    let stream = StreamName::new("show-a").unwrap();
    let commands = (0..COMMANDS).map(|_| async {
        let office = decider_fn(
            || (),
            |(), _: &Ticketing| (),
            |(), (): &()| Ok::<_, Infallible>(vec![sold("a", "b")]),
        );
        let done = dispatch_stream(&store, &office, stream.clone()).retry(endless());
        done.run(&()).await.unwrap();
    });
    join_all(commands).await;
    assert!(store.appends() <= 2 * COMMANDS, "{} appends", store.appends());
}

#[tokio::test]
async fn a_holder_that_is_refused_passes_its_turn() {
    let store = Turned::new();
    assert_eq!(rush(&store, 64, 1).await, 1);
    assert_eq!(store.boundaries(), 0);
    // Of those who lost against it, nobody appends again.
    assert_eq!(store.appends(), 64);
    let most = store.0.most_reading.load(Ordering::Relaxed);
    assert!(most > 8, "refusals do not wait for one another: {most} read at once");
}

#[tokio::test]
async fn a_pause_is_no_part_of_a_turn() {
    let (store, pauses) = (Turned::new(), Arc::new(Semaphore::new(0)));
    let pause = {
        let pauses = Arc::clone(&pauses);
        move |_| {
            let pauses = Arc::clone(&pauses);
            async move { pauses.acquire().await.unwrap().forget() }
        }
    };
    store.hold_up();
    let holder = tokio::spawn({
        let (store, retry) = (store.clone(), endless().backoff(SHORT, SHORT, pause));
        async move { dispatch(&store, &Office(1000)).retry(retry).run(&"a".to_owned()).await.unwrap() }
    });
    until(|| store.held_up() == 1).await;
    let event = factos::encode(&sold("a", "rival")).unwrap();
    store.0.log.append(vec![event], AppendCondition::None).await.unwrap();
    store.go_on();
    // It has lost. In its turn the store is busy.
    until(|| store.boundaries() == 1).await;
    store.0.is_busy.store(true, Ordering::Relaxed);
    pauses.add_permits(1);
    until(|| !store.0.is_busy.load(Ordering::Relaxed)).await;
    assert_eq!(rush(&store, 8, 1000).await, 8);
    assert!(!holder.is_finished());
    pauses.add_permits(1);
    assert_eq!(holder.await.unwrap().attempts, 3);
}

/// What holds a turn on a show blocks those who append to it, and nobody else.
#[tokio::test]
async fn who_appends_nothing_or_elsewhere_waits_for_nobody() {
    let store = Turned::new();
    let holder = hold_a_turn(&store).await;
    let refused = dispatch(&store, &Office(0)).run(&"a".to_owned()).await;
    assert!(matches!(refused, Err(Error::Domain("sold out"))));
    let office = Office(1000);
    let elsewhere = "b".to_owned();
    let mut other = Box::pin(dispatch(&store, &office).run(&elsewhere));
    until(|| {
        assert!(other.as_mut().now_or_never().is_none(), "it is held up");
        store.appends() == 3
    })
    .await;
    store.go_on();
    other.await.unwrap();
    holder.await.unwrap();
}

#[tokio::test]
async fn a_dropped_future_passes_its_turn() {
    let store = Turned::new();
    let holder = hold_a_turn(&store).await;
    let (office, command) = (Office(1000), "a".to_owned());
    let mut next = Box::pin(dispatch(&store, &office).run(&command));
    for _ in 0..100 {
        assert!(next.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    assert_eq!(store.appends(), 2);
    store.0.is_held_up.store(false, Ordering::Relaxed);
    holder.abort();
    assert!(holder.await.unwrap_err().is_cancelled());
    next.await.unwrap();
    assert_eq!((count(&store, "a").await, store.boundaries()), (2, 0));
}

/// A runtime that is dropped takes the futures on it along; those of other runtimes go on.
#[test]
fn runtimes_take_turns_with_one_another() {
    const OTHERS: usize = 4;
    let store = Turned::new();
    let new_runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (home, all_wait) = (new_runtime(), Barrier::new(OTHERS + 1));
    drop(home.block_on(hold_a_turn(&store)));
    let before = store.appends();
    let elsewhere = || {
        new_runtime().block_on(async {
            let mut late = Box::pin(rush(&store, 16, 1000));
            let waits = (0..100).all(|_| late.as_mut().now_or_never().is_none());
            all_wait.wait();
            assert!(waits);
            late.await
        })
    };
    let sold: usize = thread::scope(|scope| {
        let others: Vec<_> = (0..OTHERS).map(|_| scope.spawn(elsewhere)).collect();
        all_wait.wait();
        assert_eq!(store.appends(), before);
        store.0.is_held_up.store(false, Ordering::Relaxed);
        drop(home);
        others.into_iter().map(|other| other.join().unwrap()).sum()
    });
    assert_eq!((sold, store.appends() - before), (64, 64));
    assert_eq!(store.boundaries(), 0);
}

/// Panics once it has lost against another command.
struct Nervous;

impl Decider for Nervous {
    type Command = String;
    type Event = Ticketing;
    type State = usize;
    type Error = Infallible;

    fn initial(&self) -> usize {
        0
    }

    fn evolve(&self, sold: usize, _: &Ticketing) -> usize {
        sold + 1
    }

    fn decide(&self, taken: &usize, show: &String) -> Result<Vec<Ticketing>, Infallible> {
        assert_eq!(*taken, 0, "it lost");
        Ok(vec![sold(show, "somebody")])
    }

    fn context(&self, command: &String) -> QueryFor<Ticketing> {
        show(command)
    }
}

#[tokio::test]
async fn a_panic_of_a_decider_passes_its_turn() {
    let store = Turned::new();
    let all = (0..8).map(|n| {
        let store = store.clone();
        async move {
            let command = "a".to_owned();
            if n % 2 == 1 {
                let run = dispatch(&store, &Nervous).run(&command);
                return AssertUnwindSafe(run).catch_unwind().await.is_ok();
            }
            dispatch(&store, &Office(8)).retry(endless()).run(&command).await.is_ok()
        }
    });
    let ended = join_all(all).await;
    assert_eq!(ended, [true, false].repeat(4));
    assert_eq!((count(&store, "a").await, store.boundaries()), (4, 0));
}

#[tokio::test]
async fn a_holder_that_hangs_blocks_nobody_for_longer_than_a_turn() {
    for (turn, wait) in [(SHORT, HOUR), (HOUR, SHORT)] {
        let store = Turned::of(Some(Turns::lasting(turn, wait)));
        let holder = hold_a_turn(&store).await;
        // The others are not held up, as it alone hangs.
        store.0.is_held_up.store(false, Ordering::Relaxed);
        assert_eq!(rush(&store, 8, 1000).await, 8);
        assert!(!holder.is_finished());
        store.go_on();
        holder.await.unwrap();
        assert_eq!(count(&store, "a").await, 10);
    }
}

/// The condition of each append decides, also where turns end before their appends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_sold_twice_where_every_turn_is_too_short() {
    let store = Turned::of(Some(Turns::lasting(Duration::ZERO, Duration::ZERO)));
    let rushes = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { rush(&store, 16, 50).await })
    });
    let sold: usize = join_all(rushes).await.into_iter().map(Result::unwrap).sum();
    assert_eq!((sold, count(&store, "a").await), (50, 50));
}

#[tokio::test]
async fn pointers_to_a_store_have_its_turns() {
    let store = Turned::new();
    let holder = hold_a_turn(&store).await;
    let pointers: [&dyn EventStore; 3] =
        [&&store, &Box::new(store.clone()), &Arc::new(store.clone())];
    for pointer in pointers {
        assert_eq!(pointer.turns().unwrap().boundaries(), 1);
    }
    store.go_on();
    holder.await.unwrap();
}

/// While it decides, another command runs on the second show.
struct Nested {
    store: Turned,
    runs: AtomicUsize,
}

impl Decider for Nested {
    type Command = (String, String);
    type Event = Ticketing;
    type State = ();
    type Error = Infallible;

    fn initial(&self) {}

    fn evolve(&self, (): (), _: &Ticketing) {}

    fn decide(&self, (): &(), shows: &(String, String)) -> Result<Vec<Ticketing>, Infallible> {
        // Of each command the first ones only: who decides again is not to lose against itself for ever.
        if self.runs.fetch_add(1, Ordering::Relaxed) < 3 {
            let inner = async {
                dispatch(&self.store, &Office(1000)).retry(endless()).run(&shows.1).await.unwrap();
            };
            block_in_place(|| Handle::current().block_on(inner));
        }
        Ok(vec![sold(&shows.0, "outer")])
    }

    fn context(&self, shows: &(String, String)) -> QueryFor<Ticketing> {
        show(&shows.0)
    }
}

/// A decider should do nothing of the kind. It waits for as long as a turn lasts, and not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_within_deciders_in_opposite_order_end() {
    let store = Turned::of(Some(Turns::lasting(SHORT, SHORT)));
    let pairs = [("a", "b"), ("b", "a"), ("a", "a"), ("b", "b")];
    let commands = pairs.repeat(3).into_iter().map(|(outer, inner)| {
        let store = store.clone();
        tokio::spawn(async move {
            let nested = Nested { store: store.clone(), runs: AtomicUsize::new(0) };
            let shows = (outer.to_owned(), inner.to_owned());
            dispatch(&store, &nested).retry(endless()).run(&shows).await.unwrap();
        })
    });
    for command in join_all(commands).await {
        command.unwrap();
    }
    assert!(count(&store, "a").await + count(&store, "b").await >= 24);
    assert_eq!(store.boundaries(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dispatcher_and_plain_dispatches_go_on_beside_one_another() {
    let store = Turned::new();
    let together = Dispatcher::new(store.clone(), Office(1000)).retry(endless());
    let commands = (0..200).map(|n| {
        let (store, together) = (store.clone(), together.clone());
        tokio::spawn(async move {
            let command = "a".to_owned();
            if n % 2 == 0 {
                together.run(command).await.unwrap();
            } else {
                dispatch(&store, &Office(1000)).retry(endless()).run(&command).await.unwrap();
            }
        })
    });
    for command in join_all(commands).await {
        command.unwrap();
    }
    assert_eq!((count(&store, "a").await, store.boundaries()), (200, 0));
}

/// Sells one seat that belongs to several shows, and looks whether any of the other shows sells one meanwhile.
struct Tour {
    sells: fn(&[String]) -> &[String],
}

impl Decider for Tour {
    type Command = Vec<String>;
    type Event = Stop;
    type State = ();
    type Error = Infallible;

    fn initial(&self) {}

    fn evolve(&self, (): (), _: &Stop) {}

    fn decide(&self, (): &(), shows: &Vec<String>) -> Result<Vec<Stop>, Infallible> {
        Ok(vec![Stop((self.sells)(shows).to_vec())])
    }

    fn context(&self, shows: &Vec<String>) -> QueryFor<Stop> {
        let items = shows.iter().map(|show| stops(show));
        QueryFor::from_query(Query::any_of(items).unwrap())
    }
}

/// A seat of several shows.
#[derive(Debug, Clone)]
struct Stop(Vec<String>);

impl Event for Stop {
    const SCHEMA: &'static Schema = &Schema::new(&[TypeInfo::new("Stop", 1, "Stop")]);

    fn event_type(&self) -> EventType {
        EventType::from_static("Stop")
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        Ok(self.0.iter().map(|show| show_tag(show)).collect())
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(Bytes::new())
    }

    fn decode(_: &EventType, _: u32, _: &[u8]) -> Result<Self, Undecodable> {
        Ok(Self(Vec::new()))
    }
}

fn stops(show: &str) -> QueryItem {
    QueryItem::of_type(EventType::from_static("Stop")).tagged(&show_tag(show))
}

fn show_tag(show: &str) -> Tag {
    Tag::new("show", show).unwrap()
}

/// Runs all of these at once. How many attempts each took.
async fn tour(store: &Turned, tour: &Tour, commands: &[Vec<String>]) -> Vec<u32> {
    let runs = commands.iter().map(|shows| async {
        dispatch(store, tour).retry(endless()).run(shows).await.unwrap().attempts
    });
    join_all(runs).await
}

/// A show, and the one that all have in common.
fn with_common(show: &str) -> Vec<String> {
    vec![show.to_owned(), "common".to_owned()]
}

const ALL: Tour = Tour { sells: |shows| shows };

/// Each boundary is that of one command alone, and they have one show in common.
#[tokio::test]
async fn boundaries_that_overlap_take_turns() {
    const COMMANDS: usize = 64;
    let commands: Vec<_> = (0..COMMANDS).map(|n| with_common(&format!("of-{n}"))).collect();
    let store = Turned::new();
    let attempts = tour(&store, &ALL, &commands).await;
    assert!(attempts.iter().all(|attempts| *attempts <= 2), "{attempts:?}");
    assert_eq!(store.boundaries(), 0);

    let without = Turned::of(None);
    tour(&without, &ALL, &commands).await;
    assert!(without.appends() > 8 * COMMANDS, "{} appends", without.appends());
}

#[tokio::test]
async fn boundaries_of_a_dispatcher_that_overlap_take_turns() {
    const COMMANDS: usize = 64;
    for narrow in [false, true] {
        let store = Turned::new();
        let office = Dispatcher::new(store.clone(), ALL).retry(endless());
        for round in 1..=3 {
            let runs = (0..COMMANDS).map(|n| {
                let of = if narrow { n % 8 } else { n };
                office.run(with_common(&format!("of-{of}")))
            });
            let attempts = join_all(runs).await.into_iter().map(|done| done.unwrap().attempts);
            let attempts: Vec<_> = attempts.collect();
            assert!(attempts.iter().all(|attempts| *attempts <= 2), "{attempts:?}");
            assert_eq!(store.boundaries(), 0);
            let sold = store.read_all(&Query::item(stops("common"))).await.unwrap().len();
            assert_eq!(sold, round * COMMANDS);
        }
    }
}

/// Each command has both shows in common with others, and each pair of shows with no other one.
#[tokio::test]
async fn boundaries_that_overlap_in_all_of_their_parts_take_turns() {
    const SHOWS: usize = 8;
    let pairs = (0..SHOWS).flat_map(|a| (0..SHOWS).map(move |b| (a, b)));
    let commands: Vec<_> = pairs.map(|(a, b)| vec![format!("a-{a}"), format!("b-{b}")]).collect();
    let store = Turned::new();
    let attempts = tour(&store, &ALL, &commands).await;
    assert!(attempts.iter().all(|attempts| *attempts <= 3), "{attempts:?}");
    assert_eq!(store.boundaries(), 0);
}

/// A show that a command only looks at is none where it waits for others that only look at it.
#[tokio::test]
async fn who_only_reads_a_part_waits_for_none_that_only_reads_it() {
    const COMMANDS: usize = 64;
    let commands: Vec<_> = (0..COMMANDS).map(|n| with_common(&format!("of-{n}"))).collect();
    let store = Turned::new();
    store.hold_up();
    let looking = Tour { sells: |shows| &shows[..1] };
    let (attempts, ()) = tokio::join!(tour(&store, &looking, &commands), async {
        until(|| store.held_up() == COMMANDS).await;
        let event = factos::encode(&Stop(vec!["common".to_owned()])).unwrap();
        store.0.log.append(vec![event], AppendCondition::None).await.unwrap();
        store.0.gate.add_permits(COMMANDS);
        // All that have lost append again at once.
        until(|| store.held_up() == 2 * COMMANDS).await;
        store.go_on();
    });
    assert_eq!(attempts, [2; COMMANDS]);
}

/// Whoever only looks at a show that others write to loses against them twice at most.
#[tokio::test]
async fn who_only_reads_a_part_gets_a_turn_among_those_who_write_it() {
    let store = Turned::new();
    let writers = vec![with_common("x"); 64];
    let looking = Tour { sells: |shows| &shows[..1] };
    let readers = [with_common("of-1")];
    let (_, attempts) =
        tokio::join!(tour(&store, &ALL, &writers), tour(&store, &looking, &readers));
    assert!(attempts[0] <= 3, "{attempts:?}");
}
