//! A whole event store over one append-only file, to start a backend from.
//!
//! Each append writes one frame: a line of JSON, which says how long the payloads are, and the payloads.
//! Half a frame at the end is a writer that was killed; the next append cuts it off. Every handle keeps
//! the log in memory, and calls block: a store for many events wants an index and a thread of its own.

use std::{
    collections::HashSet,
    error::Error,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use factos::*;
use serde::{Deserialize, Serialize};

/// A log in a file. Several handles and processes may share the file.
pub(crate) struct FileStore(Mutex<Log>);

struct Log {
    file: File,
    /// Where the last whole frame ends.
    end: u64,
    records: Page,
}

#[derive(Serialize, Deserialize)]
struct Header {
    id: [u8; 16],
    stream: Option<String>,
    event_type: String,
    version: u32,
    tags: String,
    metadata: Metadata,
    microseconds: u64,
    payload_bytes: usize,
}

impl FileStore {
    pub(crate) fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        Ok(Self(Mutex::new(Log { file, end: 0, records: Page::new() })))
    }

    /// The log as the file has it now.
    fn log(&self) -> Result<MutexGuard<'_, Log>, StoreError> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.catch_up().map_err(failed)?;
        Ok(log)
    }

    fn select(
        &self,
        wanted: impl Fn(&Recorded<Bytes>) -> bool,
        options: ReadOptions,
    ) -> Result<Events<'static>, StoreError> {
        let log = self.log()?;
        let within = |record: &&Recorded<Bytes>| {
            options.after.is_none_or(|after| record.position > after)
                && options.before.is_none_or(|before| record.position < before)
                && wanted(record)
        };
        let mut page: Page = log.records.iter().filter(within).cloned().collect();
        if options.backwards {
            page.reverse();
        }
        let limit = options.limit.unwrap_or(u64::MAX);
        page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Events::of_page(log.head(), page))
    }
}

impl Log {
    fn head(&self) -> Option<SequencePosition> {
        self.records.last().map(|record| record.position)
    }

    fn revision(&self, stream: &StreamName) -> Revision {
        let last = self.records.iter().rev().find(|record| record.stream.as_ref() == Some(stream));
        last.and_then(|record| record.revision).into()
    }

    /// Takes in the whole frames that others have written.
    fn catch_up(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.read_to_end(&mut bytes)?;
        let mut rest = Bytes::from(bytes);
        while let Some(line) = rest.iter().position(|byte| *byte == b'\n') {
            let events: Vec<Header> = serde_json::from_slice(&rest[..line])?;
            let frame = line + 1 + events.iter().map(|event| event.payload_bytes).sum::<usize>();
            if rest.len() < frame {
                break;
            }
            let mut payloads = rest.split_to(frame).split_off(line + 1);
            for event in events {
                let payload = payloads.split_to(event.payload_bytes);
                self.push(event, payload).map_err(io::Error::other)?;
            }
            self.end += frame as u64;
        }
        Ok(())
    }

    fn push(&mut self, event: Header, payload: Bytes) -> Result<(), Box<dyn Error + Send + Sync>> {
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
            event: payload,
        });
        Ok(())
    }

    fn check(&self, events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        let mut ids = HashSet::new();
        let twice = events.iter().map(|event| event.id).find(|id| !ids.insert(*id));
        let taken = self.records.iter().map(|record| record.id).find(|id| ids.contains(id));
        if let Some(id) = twice.or(taken) {
            return Err(AppendError::DuplicateEventId(id));
        }
        match condition.clone() {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                let mut new = self.records.iter().filter(|record| Some(record.position) > after);
                match new.find(|record| query.matches(&record.event_type, &record.tags)) {
                    Some(&Recorded { position, .. }) => {
                        Err(Conflict::EventsMatch { query, after, position }.into())
                    }
                    None => Ok(()),
                }
            }
            AppendCondition::ExpectedRevision { stream, revision: expected } => {
                match self.revision(&stream) {
                    actual if actual == expected => Ok(()),
                    actual => Err(Conflict::Revision { stream, expected, actual }.into()),
                }
            }
        }
    }

    /// With the file locked: checks against what every process wrote before, and writes.
    fn write(
        &mut self,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<Page, AppendError> {
        self.catch_up().map_err(failed)?;
        self.check(events, condition)?;
        let (frame, known) = (frame(events).map_err(failed)?, self.records.len());
        self.file.set_len(self.end).map_err(failed)?;
        let written = self.file.write_all(&frame).and_then(|()| self.file.sync_data());
        let unknown = |error| StoreError::new(StoreErrorKind::OutcomeUnknown, error);
        written.and_then(|()| self.catch_up()).map_err(unknown)?;
        Ok(self.records[known..].to_vec())
    }
}

fn frame(events: &[NewEvent]) -> io::Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(io::Error::other)?;
    let headers = events.iter().map(|event| Header {
        id: event.id.to_bytes(),
        stream: event.stream.as_ref().map(|stream| stream.as_str().to_owned()),
        event_type: event.event_type.as_str().to_owned(),
        version: event.version,
        tags: event.tags.as_lines().to_owned(),
        metadata: event.metadata.clone(),
        microseconds: now.as_secs() * 1_000_000 + u64::from(now.subsec_micros()),
        payload_bytes: event.payload.len(),
    });
    let mut bytes = serde_json::to_vec(&headers.collect::<Vec<_>>())?;
    bytes.push(b'\n');
    events.iter().for_each(|event| bytes.extend_from_slice(&event.payload));
    Ok(bytes)
}

fn failed(error: io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, error)
}

#[async_trait::async_trait]
impl EventStore for FileStore {
    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.select(|record| query.matches(&record.event_type, &record.tags), options)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.select(|record| record.stream.as_ref() == Some(stream), options)
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Page, AppendError> {
        Limits::FLOOR.check(&events, &condition)?;
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.file.lock().map_err(failed)?;
        let outcome = log.write(&events, &condition);
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
