//! Dispatches of all handles on one log take turns on a boundary where their appends conflict.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use factos::{
    AppendCondition, Decider, Event, EventStore, EventStoreExt, NewEvent, Query, QueryFor, Retry,
    dispatch, encode,
};
use factos_postgres::{Mode, PostgresStore};
use futures_util::future::join_all;
use support::{Schema, in_time, of_show, unless_sold};
use tokio::{runtime::Handle, task::block_in_place};

#[derive(Debug, Clone, PartialEq, Event)]
enum Ticketing {
    #[event(name = "TicketSold")]
    Sold {
        #[tag]
        show: String,
    },
}

fn sold(show: &str) -> NewEvent {
    encode(&Ticketing::Sold { show: show.to_owned() }).unwrap()
}

/// Looks, as it decides, at what another handle knows of the turns.
struct Office<'a> {
    other: &'a PostgresStore,
    /// Whether its first decision comes too late.
    loses: bool,
    decisions: AtomicUsize,
    /// How many boundaries the other handle said are contended, by decision.
    seen: [AtomicUsize; 2],
}

impl<'a> Office<'a> {
    fn new(other: &'a PostgresStore, loses: bool) -> Self {
        Self { other, loses, decisions: AtomicUsize::new(0), seen: Default::default() }
    }
}

impl Decider for Office<'_> {
    type Command = String;
    type Event = Ticketing;
    type State = ();
    type Error = Infallible;

    fn initial(&self) {}

    fn evolve(&self, (): (), _: &Ticketing) {}

    fn decide(&self, (): &(), show: &String) -> Result<Vec<Ticketing>, Infallible> {
        let decision = self.decisions.fetch_add(1, Ordering::Relaxed);
        if let (true, Some(seen)) = (self.loses, self.seen.get(decision)) {
            seen.store(self.other.turns().unwrap().boundaries(), Ordering::Relaxed);
            if decision == 0 {
                let rival = self.other.append(vec![sold(show)], AppendCondition::None);
                block_in_place(|| Handle::current().block_on(rival)).unwrap();
            }
        }
        Ok(vec![Ticketing::Sold { show: show.clone() }])
    }

    fn context(&self, show: &String) -> QueryFor<Ticketing> {
        Ticketing::query().show(show).into()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_rush_on_one_boundary_takes_few_attempts() {
    const BUYERS: usize = 96;
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let hooked = store.with_hook(|_, _| Box::pin(async { Ok(()) }));
        // Appends of its own have conflicted there, so that plain reads take turns by time.
        store.append(vec![sold("a")], AppendCondition::None).await.unwrap();
        store.append(vec![sold("a")], unless_sold("a")).await.unwrap_err();
        let buyers = (0..BUYERS).map(|n| {
            let store = if n % 2 == 0 { store.clone() } else { hooked.clone() };
            tokio::spawn(async move {
                let office = Office::new(&store, false);
                let done = dispatch(&store, &office).retry(Retry::attempts(u32::MAX));
                done.run(&"a".to_owned()).await.unwrap().attempts
            })
        });
        let attempts = in_time("a rush", join_all(buyers)).await;
        let attempts: u32 = attempts.into_iter().map(Result::unwrap).sum();
        assert!(attempts <= 3 * 96, "{attempts} attempts");
        assert_eq!(store.read_all(&of_show("a")).await.unwrap().len(), BUYERS + 1);
        assert_eq!(store.turns().unwrap().boundaries(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn all_handles_have_the_same_turns() {
    let schema = Schema::new(Mode::Keyed).await;
    let store = schema.open().await;
    let hooked = store.with_hook(|_, _| Box::pin(async { Ok(()) }));
    for other in [store.clone(), hooked] {
        let office = Office::new(&other, true);
        let command = "a".to_owned();
        in_time("a dispatch", dispatch(&store, &office).run(&command)).await.unwrap();
        assert_eq!(office.seen.map(AtomicUsize::into_inner), [0, 1]);
        assert_eq!(other.turns().unwrap().boundaries(), 0);
    }
}

/// A student subscribes to a course.
#[derive(Debug, Clone, PartialEq, Event)]
enum School {
    Subscribed {
        #[tag]
        course: String,
        #[tag]
        student: String,
    },
}

/// Takes each student into course `a`.
struct Enrolment;

impl Decider for Enrolment {
    type Command = String;
    type Event = School;
    type State = ();
    type Error = Infallible;

    fn initial(&self) {}

    fn evolve(&self, (): (), _: &School) {}

    fn decide(&self, (): &(), student: &String) -> Result<Vec<School>, Infallible> {
        Ok(vec![School::Subscribed { course: "a".to_owned(), student: student.clone() }])
    }

    fn context(&self, student: &String) -> QueryFor<School> {
        School::query().course("a") | School::query().student(student)
    }
}

/// No two students have the same boundary, and all of them have the course in common.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_rush_on_boundaries_that_overlap_takes_few_attempts() {
    const STUDENTS: usize = 96;
    for mode in [Mode::Keyed, Mode::Portable] {
        let schema = Schema::new(mode).await;
        let store = schema.open().await;
        let students = (0..STUDENTS).map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let done = dispatch(&store, &Enrolment).retry(Retry::attempts(u32::MAX));
                done.run(&n.to_string()).await.unwrap().attempts
            })
        });
        let attempts = in_time("a rush", join_all(students)).await;
        let attempts: u32 = attempts.into_iter().map(Result::unwrap).sum();
        assert!(attempts <= 3 * 96, "{attempts} attempts");
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), STUDENTS);
        assert_eq!(store.turns().unwrap().boundaries(), 0);
    }
}
