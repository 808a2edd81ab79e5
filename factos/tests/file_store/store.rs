//! A whole event store over one append-only file, to start a backend from.
//!
//! The first line is the log's identity, and each append writes one line of JSON. Half a line at the end is a
//! writer that was killed; the next append cuts it off. Every handle keeps the log in memory, and calls block: a store for many events wants an
//! index and a thread of its own.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use factos::{
    backend::{Batch, *},
    *,
};

/// A log in a file. Several handles and processes may share the file.
pub(crate) struct FileStore {
    id: String,
    log: Arc<Mutex<Log>>,
    poll: Poll,
}

struct Log {
    file: File,
    known_bytes: u64,
    records: Page,
    flushes: Arc<AtomicU64>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    id: [u8; 16],
    stream: Option<String>,
    event_type: String,
    version: u32,
    tags: String,
    metadata: String,
    micros: u64,
    /// A character for each byte, which is shorter than an array of numbers.
    payload: String,
}

impl FileStore {
    /// `flushes` counts how often the file is flushed.
    pub(crate) fn open(
        path: impl AsRef<std::path::Path>,
        flushes: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let mut file = File::options().read(true).append(true).create(true).open(path)?;
        let id = identity(&mut file)?;
        let log = Log { file, known_bytes: 37, records: Page::new(), flushes };
        let log = Arc::new(Mutex::new(log));
        let watched = Arc::clone(&log);
        let look = move || caught_up(&watched).map(|log| log.head());
        let interval = Duration::from_millis(5);
        Ok(Self { id, log, poll: Poll::start("file-store-poll", interval, Head::new(), look)? })
    }

    fn select(&self, wanted: &Selection, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let log = caught_up(&self.log)?;
        let cursor = ReadCursor::new(options, log.records.len() as u64);
        let within = log.records.get(cursor.low() as usize..cursor.high() as usize);
        let within = within.into_iter().flatten();
        let selected = within.filter(|record| wanted.selects(record)).cloned();
        let most = cursor.page_size(usize::MAX);
        let page = match cursor.is_backwards() {
            true => selected.rev().take(most).collect(),
            false => selected.take(most).collect(),
        };
        Ok(Events::of_page(log.head(), page))
    }
}

/// The identity in the file's first line, which is written into a new file.
fn identity(file: &mut File) -> io::Result<String> {
    file.lock()?;
    if file.metadata()?.len() < 37 {
        file.set_len(0)?;
        file.write_all(format!("{}\n", EventId::new()).as_bytes())?;
    }
    file.unlock()?;
    let mut id = String::new();
    file.rewind()?;
    file.take(36).read_to_string(&mut id)?;
    Ok(id)
}

/// The log as the file has it now.
fn caught_up(log: &Mutex<Log>) -> Result<MutexGuard<'_, Log>, StoreError> {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.catch_up().map_err(failed)?;
    Ok(log)
}

impl Log {
    fn head(&self) -> Option<SequencePosition> {
        self.records.last().map(|record| record.position)
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

    fn push(&mut self, stored: Stored) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let payload: Vec<_> = stored.payload.chars().map(u8::try_from).collect::<Result<_, _>>()?;
        let event = NewEvent {
            id: EventId::from_bytes(stored.id),
            stream: stored.stream.map(StreamName::new).transpose()?,
            version: stored.version,
            tags: Tags::from_lines(&stored.tags)?,
            metadata: Metadata::from_text(&stored.metadata)?,
            ..NewEvent::new(EventType::new(stored.event_type)?, payload)
        };
        let position = SequencePosition::FIRST.saturating_add(self.records.len() as u64);
        let revision = event.stream.as_ref().map(|name| self.revision(name)).transpose()?;
        let recorded_at = time_of_micros(stored.micros).ok_or("a time past the system's")?;
        self.records.push(record(event, position, revision.map(Revision::next), recorded_at));
        Ok(())
    }

    /// With the file locked: checks against what every process wrote before, and writes.
    fn write(&mut self, batch: &Batch) -> Result<Page, AppendError> {
        self.catch_up().map_err(failed)?;
        if let Some(refusal) = refusal(self, batch)? {
            return Err(refusal);
        }
        let (line, known) = (line(batch.events()).map_err(failed)?, self.records.len());
        self.file.set_len(self.known_bytes).map_err(failed)?;
        let written = self.file.write_all(&line).and_then(|()| self.flush());
        let seen = written.and_then(|()| self.catch_up());
        seen.map_err(|error| StoreError::new(StoreErrorKind::OutcomeUnknown, error))?;
        Ok(self.records[known..].to_vec())
    }

    fn flush(&self) -> io::Result<()> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.file.sync_data()
    }
}

impl LogState for Log {
    type Error = StoreError;

    fn taken_id(&mut self, events: &[NewEvent]) -> Result<Option<EventId>, StoreError> {
        let taken: HashSet<_> = self.records.iter().map(|record| record.id).collect();
        Ok(events.iter().map(|event| event.id).find(|id| taken.contains(id)))
    }

    fn first_match(
        &mut self,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<Option<SequencePosition>, StoreError> {
        let mut new = self.records.iter().filter(|record| Some(record.position) > after);
        let found = new.find(|record| query.matches(&record.event_type, &record.tags));
        Ok(found.map(|record| record.position))
    }

    fn revision(&mut self, stream: &StreamName) -> Result<Revision, StoreError> {
        let last = self.records.iter().rev().find(|record| record.stream.as_ref() == Some(stream));
        Ok(last.and_then(|record| record.revision).into())
    }
}

fn line(events: &[NewEvent]) -> io::Result<Vec<u8>> {
    let micros = micros_of(SystemTime::now());
    let stored = events.iter().map(|event| Stored {
        id: event.id.to_bytes(),
        stream: event.stream.as_ref().map(|stream| stream.as_str().to_owned()),
        event_type: event.event_type.as_str().to_owned(),
        version: event.version,
        tags: event.tags.as_lines().to_owned(),
        metadata: event.metadata.as_text().to_owned(),
        micros,
        payload: event.payload.iter().copied().map(char::from).collect(),
    });
    Ok([serde_json::to_vec(&stored.collect::<Vec<_>>())?, vec![b'\n']].concat())
}

fn failed(error: io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, error)
}

#[async_trait::async_trait]
impl EventStore for FileStore {
    fn log_id(&self) -> &str {
        &self.id
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.select(&Selection::Query(query.clone()), options)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.select(&Selection::Stream(stream.clone()), options)
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Page, AppendError> {
        let batch = Batch::new(events, condition, &Limits::FLOOR)?;
        let mut log = caught_up(&self.log)?;
        log.file.lock().map_err(failed)?;
        let outcome = log.write(&batch);
        log.file.unlock().map_err(failed)?;
        outcome
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        Ok(caught_up(&self.log)?.head())
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.poll.wait_past(after, || self.head()).await
    }
}
