//! A whole event store over one append-only file, to start a backend from.
//!
//! Each append writes one line of JSON. Half a line at the end is a writer that was killed; the next append
//! cuts it off. Every handle keeps the log in memory, and calls block: a store for many events wants an
//! index and a thread of its own.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use factos::*;

/// A log in a file. Several handles and processes may share the file.
pub(crate) struct FileStore(Mutex<Log>);

struct Log {
    file: File,
    known_bytes: u64,
    records: Page,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    id: [u8; 16],
    stream: Option<String>,
    event_type: String,
    version: u32,
    tags: String,
    metadata: Metadata,
    microseconds: u64,
    /// Each byte as the character of that number.
    payload: String,
}

impl FileStore {
    pub(crate) fn open(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        let file = File::options().read(true).append(true).create(true).open(path)?;
        Ok(Self(Mutex::new(Log { file, known_bytes: 0, records: Page::new() })))
    }

    /// The log as the file has it now.
    fn log(&self) -> Result<MutexGuard<'_, Log>, StoreError> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.catch_up().map_err(failed)?;
        Ok(log)
    }
}

impl Log {
    fn head(&self) -> Option<SequencePosition> {
        self.records.last().map(|record| record.position)
    }

    fn select(&self, options: ReadOptions, wanted: impl Fn(&Recorded<Bytes>) -> bool) -> Page {
        let left = ReadCursor::new(options, self.records.len() as u64);
        let within = self.records.get(left.low() as usize..left.high() as usize);
        let found = within.unwrap_or_default().iter().filter(|record| wanted(record)).cloned();
        let most = left.page_size(usize::MAX);
        match left.is_backwards() {
            true => found.rev().take(most).collect(),
            false => found.take(most).collect(),
        }
    }

    fn revision(&self, stream: &StreamName) -> Revision {
        let last = self.records.iter().rev().find(|record| record.stream.as_ref() == Some(stream));
        last.and_then(|record| record.revision).into()
    }

    /// Takes in the whole lines that others have written.
    fn catch_up(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.known_bytes))?;
        self.file.read_to_end(&mut bytes)?;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|l| l.ends_with(b"\n")) {
            let events: Vec<Stored> = serde_json::from_slice(line)?;
            events.into_iter().try_for_each(|event| self.push(event)).map_err(io::Error::other)?;
            self.known_bytes += line.len() as u64;
        }
        Ok(())
    }

    fn push(&mut self, event: Stored) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let stream = event.stream.map(StreamName::new).transpose()?;
        self.records.push(Recorded {
            id: EventId::from_bytes(event.id),
            position: SequencePosition::FIRST.saturating_add(self.records.len() as u64),
            revision: stream.as_ref().map(|stream| self.revision(stream).next()),
            stream,
            event_type: EventType::new(event.event_type)?,
            version: event.version,
            tags: Tags::from_lines(&event.tags)?,
            metadata: event.metadata,
            recorded_at: SystemTime::UNIX_EPOCH + Duration::from_micros(event.microseconds),
            event: event.payload.chars().map(u8::try_from).collect::<Result<Vec<_>, _>>()?.into(),
        });
        Ok(())
    }

    fn taken_id(&self, events: &[NewEvent]) -> Option<EventId> {
        let mut ids = std::collections::HashSet::new();
        let twice = events.iter().map(|event| event.id).find(|id| !ids.insert(*id));
        twice.or(self.records.iter().map(|record| record.id).find(|id| ids.contains(id)))
    }

    fn conflict(&self, condition: AppendCondition) -> Option<Conflict> {
        match condition {
            AppendCondition::None => None,
            AppendCondition::FailIfEventsMatch { query, after } => {
                let mut new = self.records.iter().filter(|record| Some(record.position) > after);
                let found = new.find(|record| query.matches(&record.event_type, &record.tags))?;
                Some(Conflict::EventsMatch { query, after, position: found.position })
            }
            AppendCondition::ExpectedRevision { stream, revision: expected } => {
                let actual = self.revision(&stream);
                (actual != expected).then_some(Conflict::Revision { stream, expected, actual })
            }
        }
    }

    /// With the file locked: checks against what every process wrote before, and writes.
    fn write(&mut self, events: &[NewEvent], guard: AppendCondition) -> Result<Page, AppendError> {
        self.catch_up().map_err(failed)?;
        let refusal = self.taken_id(events).map(AppendError::DuplicateEventId);
        if let Some(refusal) = refusal.or_else(|| Some(self.conflict(guard)?.into())) {
            return Err(refusal);
        }
        let (line, known) = (line(events).map_err(failed)?, self.records.len());
        self.file.set_len(self.known_bytes).map_err(failed)?;
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        let unknown = |error| StoreError::new(StoreErrorKind::OutcomeUnknown, error);
        written.and_then(|()| self.catch_up()).map_err(unknown)?;
        Ok(self.records[known..].to_vec())
    }
}

fn line(events: &[NewEvent]) -> io::Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(io::Error::other)?;
    let stored = events.iter().map(|event| Stored {
        id: event.id.to_bytes(),
        stream: event.stream.as_ref().map(|stream| stream.as_str().to_owned()),
        event_type: event.event_type.as_str().to_owned(),
        version: event.version,
        tags: event.tags.as_lines().to_owned(),
        metadata: event.metadata.clone(),
        microseconds: now.as_secs() * 1_000_000 + u64::from(now.subsec_micros()),
        payload: event.payload.iter().map(|byte| char::from(*byte)).collect(),
    });
    Ok([serde_json::to_vec(&stored.collect::<Vec<_>>())?, vec![b'\n']].concat())
}

fn failed(error: io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, error)
}

#[async_trait::async_trait]
impl EventStore for FileStore {
    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let log = self.log()?;
        let page = log.select(options, |r| query.matches(&r.event_type, &r.tags));
        Ok(Events::of_page(log.head(), page))
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let log = self.log()?;
        let page = log.select(options, |record| record.stream.as_ref() == Some(stream));
        Ok(Events::of_page(log.head(), page))
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Page, AppendError> {
        Limits::FLOOR.check(&events, &condition)?;
        let mut log = self.log()?;
        log.file.lock().map_err(failed)?;
        let outcome = log.write(&events, condition);
        log.file.unlock().map_err(failed)?;
        outcome
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(self.log()?.head())
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        while self.head().await? <= after {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}
