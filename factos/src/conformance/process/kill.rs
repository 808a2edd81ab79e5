use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::select_all;

use super::worker::{Worker, say};
use crate::{
    append::{AppendCondition, NewEvent},
    conformance::{
        fixture::ProcessFixture,
        pages::{assert_counted, assert_increasing},
        parallel::rethrown,
        random::Random,
        sample_values::{event, expecting, in_stream, query, stream, unless},
        store_calls::{
            admitted, append, append_if, appended, assert_duplicate, of_stream, whole_log,
        },
    },
    event_id::EventId,
    read_options::ReadOptions,
    revision::Revision,
    store::EventStore,
};

pub(super) const TASK: &str = "append until killed";

const BEGUN: &str = "begun";
const BATCH: usize = 3;

/// How many tasks of a worker append at once, so that what they share is killed too.
const APPENDERS: usize = 4;

/// An append that was acknowledged to a worker before it was killed.
pub(super) struct Acknowledged {
    batch: String,
    position: u64,
    id: EventId,
}

/// In a worker: several tasks append one batch after the other through one handle, and report each once
/// it is acknowledged, until the pipe is closed.
pub(super) async fn append_until_killed<S: EventStore + 'static, Fut: Future<Output = S>>(
    open: impl FnOnce() -> Fut,
    round: &str,
) {
    say(BEGUN);
    let store = Arc::new(open().await);
    let appending = (0..APPENDERS)
        .map(|appender| tokio::spawn(append_and_say(store.clone(), format!("{round}-{appender}"))));
    // The first that fails ends the worker.
    select_all(appending).await.0.unwrap_or_else(rethrown);
}

async fn append_and_say(store: Arc<impl EventStore>, appender: String) {
    for n in 0_u64.. {
        let name = format!("batch:{appender}-{n}");
        let condition = unless(&query(&["Killed"], &[&name]));
        let records = appended(&store, batch(&name), condition).await;
        let last = &records[BATCH - 1];
        if !say(&format!("{name} {} {}", last.position, last.id)) {
            return;
        }
    }
}

/// Starts a worker and kills it: in three rounds of four while it appends, in the fourth perhaps while
/// it opens the log.
pub(super) async fn round<F: ProcessFixture>(
    log: &F,
    worker: &str,
    round: u32,
    random: &mut Random,
) -> Vec<Acknowledged> {
    let mut worker = Worker::start(worker, &log.address(), TASK, &round.to_string());
    assert_eq!(worker.expect_line().await, BEGUN, "the worker of round {round}");
    let mut said = Vec::new();
    if round % 4 != 3 {
        said.push(worker.expect_line().await);
    }
    let delay = Duration::from_micros(random.within(0..=30_000));
    said.extend(worker.kill_after(delay).await);
    said.iter().map(|line| parse(line)).collect()
}

/// Asserts that the reopened log accepts an append, and that the stream goes on.
pub(super) async fn goes_on(store: &dyn EventStore, round: u32) {
    let expected = Revision::from(u64::from(round).checked_sub(1));
    let condition = expecting("survivor", expected);
    let record = admitted(store, in_stream("survivor", "Survived"), condition).await;
    let rule = "a reopened log issues no revision again, and leaves none out";
    assert_eq!(record.revision, Some(u64::from(round)), "{rule}");
}

pub(super) async fn verify(store: &dyn EventStore, acknowledged: &[Acknowledged], kills: u32) {
    let log = whole_log(store).await;
    assert_increasing(&log);
    for name in ["killed", "survivor"] {
        let page = of_stream(store, name, ReadOptions::all()).await;
        assert_counted(name, &page);
    }
    let survived = log.iter().filter(|r| r.stream == Some(stream("survivor"))).count();
    let rule = "what is appended after each kill is in the log";
    assert_eq!(survived, usize::try_from(kills).unwrap(), "{rule}: how many");
    let mut batches: HashMap<_, Vec<u64>> = HashMap::new();
    for record in log.iter().filter(|record| record.stream == Some(stream("killed"))) {
        batches.entry(record.tags.as_lines()).or_default().push(record.position.get());
    }
    for (batch, positions) in &batches {
        assert_eq!(
            positions.len(),
            BATCH,
            "a batch is in the log as a whole or not at all, and {batch} is half there: at {positions:?}"
        );
    }
    for Acknowledged { batch, position, .. } in acknowledged {
        let found = batches.get(&**batch).map(|positions| positions[BATCH - 1]);
        let near = log.iter().filter(|r| r.position.get().abs_diff(*position) <= 5);
        let near: Vec<_> = near.map(|r| (r.position, r.tags.as_lines())).collect();
        assert_eq!(
            found,
            Some(*position),
            "what was acknowledged outlives its process, and {batch} was acknowledged; there is {near:?}"
        );
    }
    assert!(
        acknowledged.len() >= survived / 2,
        "workers append until they are killed, and of {survived} there are {} acknowledgements",
        acknowledged.len()
    );
    assert!(
        several_appended(acknowledged),
        "several tasks of a worker append until it is killed, and in no round several did"
    );
    for Acknowledged { id, .. } in acknowledged.iter().step_by(17) {
        let mut again = event("Again", &[]);
        again.id = *id;
        let outcome = append_if(store, again, AppendCondition::None).await;
        assert_duplicate(&outcome, *id);
    }
    append(store, batch("batch:last")).await;
}

/// Whether several appenders of one worker were acknowledged.
fn several_appended(acknowledged: &[Acknowledged]) -> bool {
    let mut appenders: HashMap<_, HashSet<_>> = HashMap::new();
    for Acknowledged { batch, .. } in acknowledged {
        let mut parts = batch.split('-');
        appenders.entry(parts.next()).or_default().insert(parts.next());
    }
    appenders.values().any(|appenders| appenders.len() > 1)
}

fn batch(name: &str) -> Vec<NewEvent> {
    let one = || NewEvent { stream: Some(stream("killed")), ..event("Killed", &[name]) };
    (0..BATCH).map(|_| one()).collect()
}

fn parse(line: &str) -> Acknowledged {
    let mut words = line.split(' ');
    let mut word = || words.next().unwrap_or_else(|| panic!("half a line: {line:?}"));
    let batch = word().to_owned();
    Acknowledged { batch, position: word().parse().unwrap(), id: word().parse().unwrap() }
}
