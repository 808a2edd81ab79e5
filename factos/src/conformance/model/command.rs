use std::sync::{Arc, Mutex};

use bytes::Bytes;
use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any},
    prop_assert, prop_assert_eq, prop_oneof,
    sample::{select, subsequence},
    test_runner::{TestCaseError, TestCaseResult},
};

use super::operation::{TAGS, TYPES};
use crate::{
    append::NewEvent,
    conformance::{
        fixture::Fixture,
        pages::lines,
        sample_values::{event, item},
        store_calls::{append, whole_log},
    },
    decider::Decider,
    dispatch::{Dispatched, Dispatcher, Error, dispatch},
    event::Event,
    event_error::{EncodeError, Undecodable},
    event_type::EventType,
    query::Query,
    query_for::QueryFor,
    schema::{Schema, TypeInfo},
    tag::Tag,
    tags::Tags,
};

/// The most commands and appends of a generated list.
const LONGEST: usize = 20;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Append { handle: usize, fact: Fact },
    Run { by: By, key: Option<u8>, remember: bool, command: Command },
}

/// Who runs a command.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    Dispatcher(usize),
    Dispatch,
}

/// Appends facts, unless the query selects this many.
#[derive(Debug, Clone)]
pub(super) struct Command {
    types: Vec<&'static str>,
    tags: Vec<&'static str>,
    limit: u64,
    facts: Vec<Fact>,
}

#[derive(Debug, Clone)]
pub(super) struct Fact {
    event_type: &'static str,
    tags: Vec<&'static str>,
    /// How many facts it was decided from.
    count: u64,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = (0..2_usize, fact()).prop_map(|(handle, fact)| Step::Append { handle, fact });
    let by = prop_oneof![
        4 => (0..2_usize).prop_map(By::Dispatcher),
        1 => any::<()>().prop_map(|()| By::Dispatch),
    ];
    let run = (by, option::weighted(0.3, 0..3_u8), any::<bool>(), command())
        .prop_map(|(by, key, remember, command)| Step::Run { by, key, remember, command });
    vec(prop_oneof![1 => append, 3 => run], 1..=LONGEST)
}

/// Commands that lead to an event, take effect earlier, and are refused, each by all who run commands.
pub(super) fn each_end() -> Vec<Step> {
    let all = [By::Dispatcher(0), By::Dispatcher(1), By::Dispatch];
    let of = |(key, by): (u8, By)| {
        let fact = Fact { event_type: TYPES[0], tags: Vec::new(), count: 0 };
        let run = move |key, limit| {
            let facts = vec![fact.clone()];
            let command = Command { types: vec![TYPES[0]], tags: Vec::new(), limit, facts };
            Step::Run { by, key, remember: false, command }
        };
        [run(Some(key), 9), run(Some(key), 9), run(None, 0)]
    };
    (0..).zip(all).flat_map(of).collect()
}

fn fact() -> impl Strategy<Value = Fact> {
    (select(&TYPES[..]), subsequence(&TAGS[..], 0..=2)).prop_map(|(event_type, tags)| Fact {
        event_type,
        tags,
        count: 0,
    })
}

fn command() -> impl Strategy<Value = Command> {
    let boundary = (subsequence(&TYPES[..], 1..=2), subsequence(&TAGS[..], 0..=1));
    (boundary, 0..6_u64, vec(fact(), 0..=2)).prop_map(|((types, tags), limit, facts)| Command {
        types,
        tags,
        limit,
        facts,
    })
}

/// How many commands led to events, were refused, and took effect earlier.
#[derive(Debug, Default)]
pub(super) struct Told {
    appended: u32,
    refused: u32,
    replayed: u32,
}

impl Told {
    fn count(&mut self, outcome: &Result<(bool, Vec<u64>), Full>) {
        match outcome {
            Ok((true, _)) => self.replayed += 1,
            Ok((false, facts)) => self.appended += u32::from(!facts.is_empty()),
            Err(Full) => self.refused += 1,
        }
    }

    pub(super) fn assert_varied(&self) {
        let Self { appended, refused, replayed } = *self;
        assert!(
            appended.min(refused).min(replayed) > 0,
            "commands come to different ends, and these to {self:?}"
        );
    }
}

/// Runs a list of steps on a store and on a plain list.
pub(super) async fn run<F: Fixture>(steps: &[Step], told: &Mutex<Told>) -> TestCaseResult {
    let log = F::fresh().await;
    let handles = [log.connect().await, log.connect().await].map(Arc::new);
    let dispatchers =
        handles.clone().map(|handle| Dispatcher::new(handle, Counter).max_boundaries(3));
    let mut plain = Plain::default();
    for (n, step) in steps.iter().enumerate() {
        let failed = |reason: String| TestCaseError::fail(format!("step {n}, {step:?}: {reason}"));
        match step {
            Step::Append { handle, fact } => {
                append(&handles[*handle], vec![fact.new_event()]).await;
                plain.0.push((fact.clone(), None));
            }
            Step::Run { by, key, remember, command } => {
                let expected = plain.run(command, *key, *remember);
                macro_rules! options {
                    ($run:expr) => {{
                        let mut run = $run.allow_outside_boundary();
                        if let Some(key) = key {
                            run = run.idempotency_key(key.to_string());
                        }
                        if *remember { run.remember_no_op() } else { run }
                    }};
                }
                let outcome = match by {
                    By::Dispatcher(n) => {
                        options!(dispatchers[*n].dispatch()).run(command.clone()).await
                    }
                    By::Dispatch => {
                        let run = options!(dispatch(&*handles[0], &Counter));
                        run.run(command).await.map(Dispatched::without_state)
                    }
                };
                let outcome = match outcome {
                    Ok(done) => {
                        let counts = done.records.iter().map(|record| record.event.count);
                        Ok((done.replayed, counts.collect::<Vec<_>>()))
                    }
                    Err(Error::Domain(Full)) => Err(Full),
                    Err(error) => return Err(failed(format!("{error:?}"))),
                };
                told.lock().unwrap().count(&expected);
                if outcome != expected {
                    let rule = "a command comes to what the log decides";
                    return Err(failed(format!("{rule}: {outcome:?} instead of {expected:?}")));
                }
            }
        }
    }
    plain.compare(&whole_log(&handles[1]).await)
}

/// Every fact, with the key that it was decided under. One of no type only remembers a command.
#[derive(Default)]
struct Plain(Vec<(Fact, Option<u8>)>);

impl Plain {
    fn run(
        &mut self,
        command: &Command,
        key: Option<u8>,
        remember: bool,
    ) -> Result<(bool, Vec<u64>), Full> {
        let earlier: Vec<_> = self.0.iter().filter(|(_, k)| key.is_some() && *k == key).collect();
        if !earlier.is_empty() {
            let facts = earlier.iter().filter(|(fact, _)| !fact.event_type.is_empty());
            return Ok((true, facts.map(|(fact, _)| fact.count).collect()));
        }
        let count = self.0.iter().filter(|(fact, _)| command.selects(fact)).count() as u64;
        if count >= command.limit {
            return Err(Full);
        }
        let facts = command.facts.iter().map(|fact| Fact { count, ..fact.clone() });
        let facts: Vec<_> = facts.map(|fact| (fact, key)).collect();
        if facts.is_empty() && key.is_some() && remember {
            self.0.push((Fact { event_type: "", tags: Vec::new(), count: 0 }, key));
        }
        let counts = vec![count; facts.len()];
        self.0.extend(facts);
        Ok((false, counts))
    }

    fn compare(&self, log: &[crate::recorded::Recorded<Bytes>]) -> TestCaseResult {
        let stored = log.iter().map(|record| {
            let is_nothing = record.event_type.as_str().starts_with("factos.");
            let text = String::from_utf8_lossy(&record.event).into_owned();
            (if is_nothing { String::new() } else { record.event_type.to_string() }, text)
        });
        let plain = self.0.iter().map(|(fact, _)| {
            let text = match fact.event_type {
                "" => "null".to_owned(),
                _ => fact.count.to_string(),
            };
            (fact.event_type.to_owned(), text)
        });
        let (stored, plain): (Vec<_>, Vec<_>) = (stored.collect(), plain.collect());
        let same = stored.iter().zip(&plain).take_while(|(stored, plain)| stored == plain).count();
        let rule = "the log has what the commands decided, and no other: the first that differs";
        prop_assert_eq!(stored.get(same), plain.get(same), "{}, at {} of the list", rule, same);
        let rule = "positions strictly increase";
        prop_assert!(log.is_sorted_by(|a, b| a.position < b.position), "{}: {}", rule, lines(log));
        Ok(())
    }
}

impl Command {
    fn selects(&self, fact: &Fact) -> bool {
        self.types.contains(&fact.event_type) && self.tags.iter().all(|tag| fact.tags.contains(tag))
    }
}

impl Fact {
    fn new_event(&self) -> NewEvent {
        let mut new = event(self.event_type, &self.tags);
        new.payload = self.count.to_string().into();
        new
    }
}

struct Counter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Full;

impl Decider for Counter {
    type Command = Command;
    type Event = Fact;
    type State = u64;
    type Error = Full;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, count: u64, _: &Fact) -> u64 {
        count + 1
    }

    fn decide(&self, count: &u64, command: &Command) -> Result<Vec<Fact>, Full> {
        if *count >= command.limit {
            return Err(Full);
        }
        Ok(command.facts.iter().map(|fact| Fact { count: *count, ..fact.clone() }).collect())
    }

    fn context(&self, command: &Command) -> QueryFor<Fact> {
        QueryFor::from_query(Query::item(item(&command.types, &command.tags)))
    }
}

impl Event for Fact {
    const SCHEMA: &'static Schema = &Schema::new(&[
        TypeInfo::new("A", 1, "Fact"),
        TypeInfo::new("B", 1, "Fact"),
        TypeInfo::new("C", 1, "Fact"),
    ]);

    fn event_type(&self) -> EventType {
        EventType::from_static(self.event_type)
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        Ok(self.tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect())
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(self.count.to_string().into())
    }

    fn decode(_: &EventType, _: u32, payload: &[u8]) -> Result<Self, Undecodable> {
        let count = String::from_utf8_lossy(payload).parse();
        let count = count.map_err(|_| Undecodable::UnknownType)?;
        Ok(Self { event_type: "", tags: Vec::new(), count })
    }
}
