//! The cases of several processes are themselves tested here: a log that is wrong in one way fails the
//! case of the rule that it breaks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, Conflict, EventStore, Events, NewEvent, Page, Query,
    ReadOptions, Recorded, SequencePosition, StoreError, StoreErrorKind, StreamName, Turns,
    backend::read_and_append,
    conformance::{Fixture, ProcessFixture, process_cases, work},
};
use tempfile::TempDir;

use crate::store::FileStore;

#[path = "file_store/store.rs"]
mod store;

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    /// The condition is checked under one lock, and the batch is written under another.
    ChecksFirst,
    /// The events of a batch are written one by one.
    WritesOneByOne,
    /// An append returns before its batch is written.
    AcknowledgesFirst,
    /// Of several appends at once, only the first returns after its batch is written.
    AcknowledgesTheGroupFirst,
    /// A process that appends holds the log until it ends.
    HoldsTheLog,
    /// A process that books holds the log until it has booked nothing for a while.
    HoldsTheLogInTurn,
    /// The appends of one task are served, and those of others wait for ever.
    ServesOneTask,
    /// Another process cannot append.
    FailsElsewhere,
    /// A wait does not end for what another process appends during it.
    WaitsForNobody,
    /// Another process opens another log.
    IsSomewhereElse,
    /// The log outlives its handles, but not its process.
    EndsWithItsProcess,
}

impl Flaw {
    /// A wait that never ends has no need of more.
    const fn soon(self) -> Duration {
        Duration::from_secs(if matches!(self, Self::WaitsForNobody) { 2 } else { 10 })
    }

    /// A log that is held for good has no need of more.
    const fn patience(self) -> Duration {
        Duration::from_secs(if matches!(self, Self::HoldsTheLog) { 2 } else { 10 })
    }
}

/// What several appends at once share.
#[derive(Default)]
struct Group {
    is_written: bool,
    /// Batches that were acknowledged, and are written after the present one.
    kept: Vec<Vec<NewEvent>>,
    /// The position that was given out last.
    last: u64,
}

/// The log is held by this process until it has called nothing for some time.
#[derive(Default)]
struct Turn {
    held: Option<File>,
    calls: u64,
}

/// How many milliseconds a process must have called nothing before another one may. They are counted on the runtime of
/// its sellers, so that a busy machine stops the count as well as these.
const TURN: u32 = 10;

struct FlawedStore {
    flaw: Flaw,
    file: FileStore,
    path: PathBuf,
    late: Mutex<Vec<NewEvent>>,
    group: Mutex<Group>,
    held: Mutex<Option<File>>,
    turn: Arc<Mutex<Turn>>,
    /// The first tag of what the task appends that is served.
    served: Mutex<Option<String>>,
    is_elsewhere: bool,
}

impl FlawedStore {
    fn open(flaw: Flaw, path: PathBuf) -> Self {
        let path = match flaw {
            Flaw::EndsWithItsProcess => path.with_extension(std::process::id().to_string()),
            _ => path,
        };
        Self {
            flaw,
            file: FileStore::open(&path, Arc::default()).unwrap(),
            path,
            late: Mutex::default(),
            group: Mutex::default(),
            held: Mutex::default(),
            turn: Arc::default(),
            served: Mutex::default(),
            is_elsewhere: false,
        }
    }

    fn reach(flaw: Flaw, path: PathBuf) -> Self {
        Self { is_elsewhere: true, ..Self::open(flaw, path) }
    }

    async fn check_and_write(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Page, AppendError> {
        let AppendCondition::FailIfEventsMatch { query, after } = condition else {
            return self.file.append(events, condition).await;
        };
        let found = self.file.read(&query, ReadOptions::all().after(after)).await?;
        if let Some(record) = found.collect().await?.first() {
            let position = record.position;
            return Err(Conflict::EventsMatch { query, after, position }.into());
        }
        tokio::time::sleep(Duration::from_micros(300)).await;
        self.file.append(events, AppendCondition::None).await
    }

    async fn write_one_by_one(
        &self,
        events: Vec<NewEvent>,
        mut condition: AppendCondition,
    ) -> Result<Page, AppendError> {
        let mut page = Page::new();
        for event in events {
            page.extend(self.file.append(vec![event], condition).await?);
            condition = AppendCondition::None;
        }
        Ok(page)
    }

    /// Returns the records of a batch that it only keeps, and writes the batch that it kept before.
    async fn acknowledge(&self, events: Vec<NewEvent>) -> Result<Page, AppendError> {
        let before = std::mem::replace(&mut *self.late.lock().unwrap(), events.clone());
        if !before.is_empty() {
            self.file.append(before, AppendCondition::None).await?;
        }
        let head = self.file.head().await?.map_or(0, SequencePosition::get);
        Ok(records(events, head + 1))
    }

    /// Writes the batch if no other is written at this moment, and then all that were kept meanwhile.
    async fn write_or_keep(&self, events: Vec<NewEvent>) -> Result<Page, AppendError> {
        let head = self.file.head().await?.map_or(0, SequencePosition::get);
        let (first, is_kept) = {
            let mut group = self.group.lock().unwrap();
            if !group.is_written {
                group.last = head;
            }
            let first = group.last + 1;
            group.last += events.len() as u64;
            let is_kept = group.is_written;
            if is_kept {
                group.kept.push(events.clone());
            }
            group.is_written = true;
            (first, is_kept)
        };
        if is_kept {
            tokio::time::sleep(Duration::from_millis(1)).await;
            return Ok(records(events, first));
        }
        let mut next = vec![events.clone()];
        while !next.is_empty() {
            for batch in next {
                self.file.append(batch, AppendCondition::None).await?;
            }
            let mut group = self.group.lock().unwrap();
            next = std::mem::take(&mut group.kept);
            group.is_written = !next.is_empty();
        }
        Ok(records(events, first))
    }

    /// Waits until no other process holds the log, and holds it for a while.
    fn hold_in_turn(&self) {
        let mut turn = self.turn.lock().unwrap();
        turn.calls += 1;
        if turn.held.is_some() {
            return;
        }
        let file = File::create(self.path.with_extension("turn")).unwrap();
        file.lock().unwrap();
        turn.held = Some(file);
        let (mut calls, mut idle, turn) = (turn.calls, 0, self.turn.clone());
        tokio::spawn(async move {
            while idle < TURN {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let now = turn.lock().unwrap().calls;
                idle = if now == calls { idle + 1 } else { 0 };
                calls = now;
            }
            turn.lock().unwrap().held = None;
        });
    }

    /// Whether these events are of the task that is served.
    fn is_served(&self, events: &[NewEvent]) -> bool {
        let tag = events[0].tags.as_lines();
        let task = tag.rsplit_once('-').map_or(tag, |(task, _)| task);
        *self.served.lock().unwrap().get_or_insert_with(|| task.to_owned()) == task
    }

    /// Waits until no other process holds the log, and holds it from then on.
    fn hold(&self) {
        self.held.lock().unwrap().get_or_insert_with(|| {
            let file = File::create(self.path.with_extension("held")).unwrap();
            file.lock().unwrap();
            file
        });
    }
}

/// The records of a batch from this position on.
fn records(events: Vec<NewEvent>, first: u64) -> Page {
    let records = events.into_iter().zip(first..).map(|(event, position)| Recorded {
        id: event.id,
        position: SequencePosition::new(position).unwrap(),
        stream: event.stream,
        revision: None,
        event_type: event.event_type,
        version: event.version,
        tags: event.tags,
        metadata: event.metadata,
        recorded_at: std::time::SystemTime::now(),
        event: event.payload,
    });
    records.collect()
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl EventStore for FlawedStore {
    fn log_id(&self) -> &str {
        self.file.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        if self.flaw == Flaw::HoldsTheLogInTurn && self.is_elsewhere {
            self.hold_in_turn();
        }
        self.file.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.file.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        // Only the case that kills processes appends batches of several events.
        let is_batch = events.len() > 1;
        match self.flaw {
            Flaw::ChecksFirst => self.check_and_write(events, condition).await,
            Flaw::WritesOneByOne => self.write_one_by_one(events, condition).await,
            Flaw::AcknowledgesFirst if is_batch => self.acknowledge(events).await,
            Flaw::AcknowledgesTheGroupFirst if is_batch => self.write_or_keep(events).await,
            Flaw::HoldsTheLogInTurn if self.is_elsewhere => {
                self.hold_in_turn();
                self.file.append(events, condition).await
            }
            Flaw::ServesOneTask if self.is_elsewhere && !self.is_served(&events) => {
                std::future::pending().await
            }
            Flaw::FailsElsewhere if self.is_elsewhere => {
                Err(StoreError::new(StoreErrorKind::Other, "this disk is far away").into())
            }
            Flaw::HoldsTheLog if self.is_elsewhere => {
                self.hold();
                self.file.append(events, condition).await
            }
            _ => self.file.append(events, condition).await,
        }
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        read_and_append(self, events, exists, guard, after).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.file.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        if self.flaw == Flaw::WaitsForNobody && self.file.head().await? <= after {
            std::future::pending::<()>().await;
        }
        self.file.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.file.turns()
    }
}

/// How often a case is run that must fail: on a busy machine it may pass by chance, where the moment of a kill misses
/// the flaw.
const TRIES: usize = 10;

macro_rules! flawed_logs {
    ($($name:ident: $flaw:ident fails $case:literal saying $told:literal;)*) => {
        $(mod $name {
            use super::*;

            pub(crate) struct Log(TempDir);

            impl Fixture for Log {
                type Store = FlawedStore;

                const SOON: Duration = Flaw::$flaw.soon();
                const PATIENCE: Duration = Flaw::$flaw.patience();

                async fn fresh() -> Self {
                    Self(tempfile::tempdir().unwrap())
                }

                async fn connect(&self) -> FlawedStore {
                    FlawedStore::open(Flaw::$flaw, self.0.path().join("log"))
                }
            }

            impl ProcessFixture for Log {
                fn address(&self) -> String {
                    self.0.path().join("log").to_str().unwrap().to_owned()
                }

                async fn reach(address: &str) -> FlawedStore {
                    let elsewhere = Flaw::$flaw == Flaw::IsSomewhereElse;
                    let address = format!("{address}{}", if elsewhere { "-2" } else { "" });
                    FlawedStore::reach(Flaw::$flaw, address.into())
                }
            }

            #[test]
            #[ignore = "a process of the test beside it"]
            fn worker() {
                work::<Log>();
            }

            #[test]
            fn is_found() {
                let cases = process_cases::<Log>(concat!(module_path!(), "::worker"));
                let case = cases.iter().find(|case| case.name() == $case).unwrap();
                let failure = (0..TRIES).find_map(|_| case.verdict().err());
                let failure = failure.expect("the case passes every time");
                let told = failure.downcast_ref::<String>().map(String::as_str);
                let told = told.or_else(|| failure.downcast_ref::<&str>().copied());
                assert!(told.unwrap_or_default().contains($told), "{told:?}");
            }
        })*

        const FOUND: &[&str] = &[$($case),*];
    };
}

flawed_logs! {
    checking_first: ChecksFirst fails "process::boundaries_hold_across_processes" saying ", decided from ";
    writing_one_by_one: WritesOneByOne
        fails "process::a_killed_process_loses_nothing_acknowledged" saying " is half there: ";
    acknowledging_first: AcknowledgesFirst
        fails "process::a_killed_process_loses_nothing_acknowledged"
        saying " was acknowledged; there is ";
    acknowledging_the_group_first: AcknowledgesTheGroupFirst
        fails "process::a_killed_process_loses_nothing_acknowledged"
        saying " was acknowledged; there is ";
    holding_the_log: HoldsTheLog
        fails "process::boundaries_hold_across_processes" saying " hangs: ";
    holding_the_log_in_turn: HoldsTheLogInTurn
        fails "process::boundaries_hold_across_processes"
        saying "processes sell at once, and in 40 sales they met ";
    serving_one_task: ServesOneTask
        fails "process::a_killed_process_loses_nothing_acknowledged"
        saying "several tasks of a worker append until it is killed, and in no round several did";
    failing_elsewhere: FailsElsewhere
        fails "process::boundaries_hold_across_processes" saying "this disk is far away";
    failing_to_append_elsewhere: FailsElsewhere
        fails "process::a_killed_process_loses_nothing_acknowledged" saying "this disk is far away";
    waiting_for_nobody: WaitsForNobody
        fails "process::a_subscription_sees_other_processes" saying "nothing after";
    another_log: IsSomewhereElse fails "process::a_log_is_found_by_its_address" saying "";
    ending_with_its_process: EndsWithItsProcess
        fails "process::a_killed_process_loses_nothing_acknowledged"
        saying " was acknowledged; there is ";
}

#[test]
fn every_case_is_failed_by_some_log() {
    let cases = process_cases::<checking_first::Log>("none");
    assert!(cases.iter().all(|case| FOUND.contains(&case.name())), "{cases:?}");
}
