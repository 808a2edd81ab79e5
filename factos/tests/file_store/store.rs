//! A whole event store over one append-only file, to start a backend from.
//!
//! Each append writes one frame: a line of JSON that ends with how the payloads are cut, and the payloads.
//! Half a frame at the end is a writer that was killed; the next append cuts it off. Every handle keeps
//! the log in memory, and calls block: a store for many events wants an index and a thread of its own.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use factos::{
    AppendCondition, AppendError, Bytes, Conflict, EventId, EventStore, EventType, Events, Limits,
    Metadata, NewEvent, Page, Query, ReadOptions, Recorded, Revision, SequencePosition, StoreError,
    StoreErrorKind, StreamName, Tags,
};
use serde::{Deserialize, Serialize};

/// How often the file is looked at while somebody waits.
const POLL: Duration = Duration::from_millis(5);

/// A log in a file. Several handles and processes may share the file.
pub(crate) struct FileStore(Mutex<Log>);

struct Log {
    file: File,
    /// Where the last whole frame ends.
    end: u64,
    records: Vec<Recorded<Bytes>>,
    ids: HashSet<EventId>,
    last_revisions: HashMap<StreamName, u64>,
}

#[derive(Serialize, Deserialize)]
struct Frame {
    microseconds: u64,
    events: Vec<Header>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    id: [u8; 16],
    stream: Option<String>,
    event_type: String,
    version: u32,
    tags: String,
    metadata: Metadata,
    payload_bytes: usize,
}

impl FileStore {
    pub(crate) fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let (ids, last_revisions) = (HashSet::new(), HashMap::new());
        Ok(Self(Mutex::new(Log { file, end: 0, records: Vec::new(), ids, last_revisions })))
    }

    /// The log as the file has it now.
    fn log(&self) -> io::Result<MutexGuard<'_, Log>> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.catch_up()?;
        Ok(log)
    }

    fn select(
        &self,
        wanted: impl Fn(&Recorded<Bytes>) -> bool,
        options: ReadOptions,
    ) -> Result<Events<'static>, StoreError> {
        let log = self.log().map_err(failed)?;
        let within = log.records.iter().filter(|record| {
            options.after.is_none_or(|after| record.position > after)
                && options.before.is_none_or(|before| record.position < before)
                && wanted(record)
        });
        let most = usize::try_from(options.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let page: Page = if options.backwards {
            within.rev().take(most).cloned().collect()
        } else {
            within.take(most).cloned().collect()
        };
        Ok(Events::of_page(log.head(), page))
    }
}

impl Log {
    fn head(&self) -> Option<SequencePosition> {
        self.records.last().map(|record| record.position)
    }

    /// Takes in the whole frames that others have written.
    fn catch_up(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() <= self.end {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        let mut rest = Bytes::from(bytes);
        while let Some(line) = rest.iter().position(|byte| *byte == b'\n') {
            let frame: Frame = serde_json::from_slice(&rest[..line])?;
            let payloads = frame.events.iter().map(|event| event.payload_bytes).sum::<usize>();
            if rest.len() < line + 1 + payloads {
                break;
            }
            let mut body = rest.split_to(line + 1 + payloads).split_off(line + 1);
            for event in frame.events {
                let payload = body.split_to(event.payload_bytes);
                self.push(event, payload, frame.microseconds)?;
            }
            self.end += (line + 1 + payloads) as u64;
        }
        Ok(())
    }

    fn push(&mut self, event: Header, payload: Bytes, microseconds: u64) -> io::Result<()> {
        let stream = event.stream.map(StreamName::new).transpose().map_err(io::Error::other)?;
        let revision = stream.clone().map(|stream| self.revision(&stream).next());
        self.last_revisions.extend(stream.clone().zip(revision));
        let id = EventId::from_bytes(event.id);
        self.ids.insert(id);
        self.records.push(Recorded {
            id,
            position: SequencePosition::FIRST.saturating_add(self.records.len() as u64),
            stream,
            revision,
            event_type: EventType::new(event.event_type).map_err(io::Error::other)?,
            version: event.version,
            tags: Tags::from_lines(&event.tags).map_err(io::Error::other)?,
            metadata: event.metadata,
            recorded_at: SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds),
            event: payload,
        });
        Ok(())
    }

    fn revision(&self, stream: &StreamName) -> Revision {
        self.last_revisions.get(stream).copied().into()
    }

    fn check(&self, events: &[NewEvent], condition: &AppendCondition) -> Result<(), AppendError> {
        let mut batch = HashSet::new();
        let taken = events.iter().find(|e| !batch.insert(e.id) || self.ids.contains(&e.id));
        if let Some(event) = taken {
            return Err(AppendError::DuplicateEventId(event.id));
        }
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => {
                let broke = self
                    .records
                    .iter()
                    .find(|r| Some(r.position) > *after && query.matches(&r.event_type, &r.tags));
                let Some(position) = broke.map(|record| record.position) else { return Ok(()) };
                Err(Conflict::EventsMatch { query: query.clone(), after: *after, position }.into())
            }
            AppendCondition::ExpectedRevision { stream, revision: expected } => {
                let (stream, actual) = (stream.clone(), self.revision(stream));
                let expected = *expected;
                let conflict = Conflict::Revision { stream, expected, actual };
                if actual == expected { Ok(()) } else { Err(conflict.into()) }
            }
        }
    }

    /// Under the lock: checks what every process wrote before, and writes.
    fn append(
        &mut self,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<Page, AppendError> {
        self.catch_up().map_err(failed)?;
        self.check(events, condition)?;
        let frame = frame(events).map_err(failed)?;
        self.file.set_len(self.end).map_err(failed)?;
        let known = self.records.len();
        let written = self.file.write_all(&frame).and_then(|()| self.file.sync_data());
        let unknown = |error| StoreError::new(StoreErrorKind::OutcomeUnknown, error);
        written.and_then(|()| self.catch_up()).map_err(unknown)?;
        Ok(self.records[known..].to_vec())
    }
}

fn frame(events: &[NewEvent]) -> io::Result<Vec<u8>> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let microseconds = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    let headers = events.iter().map(|event| Header {
        id: event.id.to_bytes(),
        stream: event.stream.as_ref().map(|stream| stream.as_str().to_owned()),
        event_type: event.event_type.as_str().to_owned(),
        version: event.version,
        tags: event.tags.as_lines().to_owned(),
        metadata: event.metadata.clone(),
        payload_bytes: event.payload.len(),
    });
    let mut bytes = serde_json::to_vec(&Frame { microseconds, events: headers.collect() })?;
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
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        Limits::FLOOR.check(&events, &condition)?;
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.file.lock().map_err(failed)?;
        let outcome = log.append(&events, &condition);
        log.file.unlock().map_err(failed)?;
        outcome
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(self.log().map_err(failed)?.head())
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        while self.head().await? <= after {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}
