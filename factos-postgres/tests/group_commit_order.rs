//! Appends that share a group commit get the outcomes that they would get one after the other, in some
//! order.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;

use factos::{
    AppendCondition, AppendError, Bytes, Conflict, EventId, EventStore, EventStoreExt, EventType,
    NewEvent, Query, QueryItem, Recorded, Revision, SequencePosition, StreamName, Tag, Tags,
};
use factos_postgres::{
    Config, Mode, PostgresStore,
    sqlx::{AssertSqlSafe, query_scalar},
};
use futures_util::future::join_all;
use proptest::{
    collection::vec,
    option, prop_oneof,
    strategy::{Just, Strategy},
    test_runner::{Config as Runs, TestCaseError, TestRunner},
};
use support::{Schema, pool};

type Outcome = Result<Vec<Recorded<Bytes>>, AppendError>;

/// An append, by numbers that stand for names of the case.
#[derive(Debug, Clone)]
struct Plan {
    events: Vec<EventPlan>,
    condition: ConditionPlan,
}

#[derive(Debug, Clone)]
struct EventPlan {
    /// One of the few ids that several events may have.
    shared_id: Option<usize>,
    stream: Option<usize>,
    event_type: usize,
    tags: Vec<usize>,
}

#[derive(Debug, Clone)]
enum ConditionPlan {
    None,
    /// The types and tags of each item, or no item for every event; `after` counts from two positions
    /// below the head.
    Matching {
        items: Vec<(Vec<usize>, Vec<usize>)>,
        after: Option<u64>,
    },
    Revision {
        stream: usize,
        revision: Option<u64>,
    },
}

fn event() -> impl Strategy<Value = EventPlan> {
    let shared_id = prop_oneof![6 => Just(None), 1 => (0..3usize).prop_map(Some)];
    (shared_id, option::of(0..3usize), 0..2usize, vec(0..4usize, 0..3)).prop_map(
        |(shared_id, stream, event_type, tags)| EventPlan { shared_id, stream, event_type, tags },
    )
}

fn condition() -> impl Strategy<Value = ConditionPlan> {
    let item = (vec(0..2usize, 0..2), vec(0..4usize, 0..3));
    let matching = (vec(item, 0..3), option::of(0..6u64))
        .prop_map(|(items, after)| ConditionPlan::Matching { items, after });
    let revision = (0..3usize, option::of(0..4u64))
        .prop_map(|(stream, revision)| ConditionPlan::Revision { stream, revision });
    prop_oneof![2 => Just(ConditionPlan::None), 4 => matching, 2 => revision]
}

fn rounds() -> impl Strategy<Value = Vec<Vec<Plan>>> {
    let plan = (vec(event(), 1..4), condition())
        .prop_map(|(events, condition)| Plan { events, condition });
    vec(vec(plan, 1..24), 1..4)
}

/// The names that only one case uses, so that all cases can share a log.
struct Names {
    case: String,
    ids: [EventId; 3],
}

impl Names {
    fn new() -> Self {
        let ids = [EventId::new(), EventId::new(), EventId::new()];
        Self { case: support::unique("c"), ids }
    }

    fn tags(&self, tags: &[usize]) -> Tags {
        let tag = |tag: &usize| Tag::new(&self.case, &tag.to_string()).unwrap();
        let mut all = Tags::new();
        tags.iter().map(tag).for_each(|tag| {
            all.insert(&tag);
        });
        all
    }

    fn event_type(&self, event_type: usize) -> EventType {
        EventType::new(format!("{}-{event_type}", self.case)).unwrap()
    }

    fn stream(&self, stream: usize) -> StreamName {
        StreamName::new(format!("{}-{stream}", self.case)).unwrap()
    }

    fn events(&self, plan: &Plan) -> Vec<NewEvent> {
        let mut used = HashSet::new();
        let event = |plan: &EventPlan| {
            let mut event = NewEvent::new(self.event_type(plan.event_type), "{}");
            if let Some(id) = plan.shared_id.filter(|id| used.insert(*id)) {
                event.id = self.ids[id];
            }
            event.stream = plan.stream.map(|stream| self.stream(stream));
            event.tags = self.tags(&plan.tags);
            event
        };
        plan.events.iter().map(event).collect()
    }

    fn condition(&self, plan: &ConditionPlan, head: u64) -> AppendCondition {
        match plan {
            ConditionPlan::None => AppendCondition::None,
            ConditionPlan::Matching { items, after } => {
                let items: Vec<_> =
                    items.iter().map(|(types, tags)| self.item(types, tags)).collect();
                let query = items.into_iter().collect::<Option<Vec<_>>>().map(Query::any_of);
                let query = query.and_then(Result::ok).unwrap_or_else(Query::all);
                let after =
                    after.and_then(|after| SequencePosition::new(head.saturating_sub(2) + after));
                AppendCondition::fail_if_events_match(query).after(after)
            }
            ConditionPlan::Revision { stream, revision } => {
                let revision = revision.map_or(Revision::NoEvents, Revision::Current);
                AppendCondition::expected_revision(self.stream(*stream), revision)
            }
        }
    }

    fn item(&self, types: &[usize], tags: &[usize]) -> Option<QueryItem> {
        let types = QueryItem::of_types(types.iter().map(|t| self.event_type(*t))).ok();
        let tags = self.tags(tags);
        match types {
            Some(item) => {
                Some(tags.iter().fold(item, |item, tag| item.tagged(&Tag::parse(tag).unwrap())))
            }
            None => QueryItem::with_tags(tags).ok(),
        }
    }
}

/// How often each outcome was seen over all cases, so that a missing one is noticed.
#[derive(Debug, Default)]
struct Seen {
    accepted: usize,
    duplicates: usize,
    matches: usize,
    revisions: usize,
}

fn revision_in(log: &[Recorded<Bytes>], stream: &StreamName) -> Revision {
    let revisions = log.iter().filter(|record| record.stream.as_ref() == Some(stream));
    revisions
        .filter_map(|record| record.revision)
        .max()
        .map_or(Revision::NoEvents, Revision::Current)
}

fn conflicting(log: &[Recorded<Bytes>], condition: &AppendCondition) -> bool {
    match condition {
        AppendCondition::FailIfEventsMatch { query, after } => {
            log.iter().any(|r| Some(r.position) > *after && query.matches(&r.event_type, &r.tags))
        }
        AppendCondition::ExpectedRevision { stream, revision } => {
            revision_in(log, stream) != *revision
        }
        _ => false,
    }
}

/// Whether the outcome is right at some length of the log, from its first `before` events to all of
/// them.
fn is_right(
    seen: &mut Seen,
    log: &[Recorded<Bytes>],
    before: usize,
    (events, condition): &(Vec<NewEvent>, AppendCondition),
    outcome: &Outcome,
) -> bool {
    match outcome {
        Ok(records) => {
            seen.accepted += 1;
            // Batches on other boundaries may have positions between those of this one.
            let own: HashSet<_> = records.iter().map(|record| record.position).collect();
            let last = records.last().unwrap().position;
            let is_other = |record: &&Recorded<Bytes>| !own.contains(&record.position);
            let others: Vec<_> = log.iter().filter(is_other).cloned().collect();
            let earlier = others.partition_point(|record| record.position < last);
            records.iter().map(|r| r.id).eq(events.iter().map(|event| event.id))
                && records.is_sorted_by(|one, next| one.position < next.position)
                && records.iter().all(|record| log[before..].contains(record))
                && !conflicting(&others[..earlier], condition)
                && !events.iter().any(|event| others.iter().any(|other| other.id == event.id))
        }
        Err(AppendError::DuplicateEventId(id)) => {
            seen.duplicates += 1;
            events.iter().any(|event| event.id == *id) && log.iter().any(|r| r.id == *id)
        }
        Err(AppendError::Conflict(Conflict::EventsMatch { position, query, after })) => {
            seen.matches += 1;
            let found = log.iter().find(|record| record.position == *position).unwrap();
            let own = AppendCondition::fail_if_events_match(query.clone()).after(*after);
            *condition == own && conflicting(std::slice::from_ref(found), condition)
        }
        Err(AppendError::Conflict(Conflict::Revision { stream, expected, actual })) => {
            seen.revisions += 1;
            let own = AppendCondition::expected_revision(stream.clone(), *expected);
            let reached = (before..=log.len()).any(|at| revision_in(&log[..at], stream) == *actual);
            *condition == own && actual != expected && reached
        }
        Err(_) => false,
    }
}

fn revisions_count(log: &[Recorded<Bytes>]) -> bool {
    (0..log.len()).all(|at| match (&log[at].stream, log[at].revision) {
        (Some(stream), Some(revision)) => revision == revision_in(&log[..at], stream).next(),
        (None, None) => true,
        _ => false,
    })
}

async fn try_rounds(
    store: &PostgresStore,
    rounds: &[Vec<Plan>],
    seen: &mut Seen,
) -> Result<(), TestCaseError> {
    let names = Names::new();
    store.append(vec![support::sold("before")], AppendCondition::None).await.unwrap();
    let mut before = store.read_all(&Query::all()).await.unwrap();
    for round in rounds {
        let head = before.last().map_or(0, |record| record.position.get());
        let appends: Vec<_> = round
            .iter()
            .map(|plan| (names.events(plan), names.condition(&plan.condition, head)))
            .collect();
        // On one thread, all are queued before the first group is taken from the queue.
        let sent =
            appends.iter().cloned().map(|(events, condition)| store.append(events, condition));
        let outcomes = join_all(sent).await;
        let log = store.read_all(&Query::all()).await.unwrap();
        for (append, outcome) in appends.iter().zip(&outcomes) {
            if !is_right(seen, &log, before.len(), append, outcome) {
                return Err(TestCaseError::fail(format!("{append:#?}\n{outcome:#?}\n{log:#?}")));
            }
        }
        let accepted: usize = outcomes.iter().flatten().map(Vec::len).sum();
        let kept = log.starts_with(&before) && log.len() == before.len() + accepted;
        if !kept || !revisions_count(&log) {
            return Err(TestCaseError::fail(format!("{outcomes:#?}\n{log:#?}")));
        }
        before = log;
    }
    Ok(())
}

/// How many transactions wrote the log.
async fn commits(schema: &Schema, store: &PostgresStore) -> usize {
    let sql = format!("SELECT count(DISTINCT xmin::text) FROM \"{}\".events", schema.name);
    let count: i64 = query_scalar(AssertSqlSafe(sql)).fetch_one(store.pool()).await.unwrap();
    count.try_into().unwrap()
}

fn groups_follow_some_order(mode: Mode, configure: impl Fn(Config) -> Config) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let schema = runtime.block_on(Schema::new(mode));
    let config = configure(schema.config());
    let store = runtime.block_on(async { config.open(pool(8).await).await.unwrap() });
    let runs = Runs { cases: 60, failure_persistence: None, ..Runs::default() };
    let seen = std::cell::RefCell::new(Seen::default());
    TestRunner::new(runs)
        .run(&rounds(), |rounds| {
            runtime.block_on(schema.empty());
            runtime.block_on(try_rounds(&store, &rounds, &mut seen.borrow_mut()))
        })
        .unwrap();
    let seen = seen.into_inner();
    println!("{mode}: {seen:?}");
    let least = seen.duplicates.min(seen.matches).min(seen.revisions).min(seen.accepted);
    assert!(least > 20, "{seen:?}");
    let plan = Plan {
        events: vec![EventPlan { shared_id: None, stream: None, event_type: 0, tags: vec![0] }],
        condition: ConditionPlan::None,
    };
    let shared = runtime.block_on(async {
        let before = commits(&schema, &store).await;
        try_rounds(&store, &[vec![plan; 20]], &mut Seen::default()).await.unwrap();
        commits(&schema, &store).await - before
    });
    // One commit is that of the event that every case begins with.
    let expected = if mode == Mode::Keyed { 3 } else { 2 };
    assert_eq!(
        shared, expected,
        "one of 20 appends goes ahead in a keyed log, the others share a commit"
    );
    drop(store);
}

#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn groups_of_a_keyed_log_follow_some_order() {
    groups_follow_some_order(Mode::Keyed, |config| config);
}

#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn groups_of_a_portable_log_follow_some_order() {
    groups_follow_some_order(Mode::Portable, |config| config);
}

/// Each group holds few names, and appends that do not fit wait for the next one.
#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn groups_that_hold_little_follow_some_order() {
    groups_follow_some_order(Mode::Keyed, |config| config.batch_names(8).workers(3));
}
