use std::{
    collections::{HashMap, HashSet},
    time::{Duration, SystemTime},
};

use ahash::RandomState;
use factos::{
    AppendCondition, AppendError, Bytes, Conflict, EventId, EventType, NewEvent, Payloads, Query,
    Recorded, Revision, SequencePosition, StreamName, Tags,
};

/// Positions in ascending order.
pub(crate) type Positions = Vec<u64>;

/// The events that carry one tag.
#[derive(Debug, Default)]
pub(crate) struct Tagged {
    pub(crate) positions: Positions,
    /// All tags of the last of them: the next one most likely has the same, and shares them.
    tags: Tags,
}

/// Records of one allocation: the log grows without moving what it holds.
const CHUNK: usize = 1024;

/// The events in order, position = index + 1, and the positions of each name.
#[derive(Debug, Default)]
pub(crate) struct Log {
    chunks: Vec<Vec<Recorded<Bytes>>>,
    payloads: Payloads,
    ids: HashSet<EventId, RandomState>,
    pub(crate) tags: HashMap<Box<str>, Tagged, RandomState>,
    pub(crate) types: HashMap<EventType, Positions, RandomState>,
    pub(crate) streams: HashMap<StreamName, Positions, RandomState>,
}

impl Log {
    pub(crate) fn head(&self) -> u64 {
        let Some(last) = self.chunks.last() else { return 0 };
        ((self.chunks.len() - 1) * CHUNK + last.len()) as u64
    }

    pub(crate) fn record(&self, position: u64) -> Option<&Recorded<Bytes>> {
        let index = usize::try_from(position.checked_sub(1)?).ok()?;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// Everything that must hold before the first event of the batch is written.
    pub(crate) fn check(
        &self,
        events: &[NewEvent],
        condition: &AppendCondition,
    ) -> Result<(), AppendError> {
        self.check_ids(events)?;
        match condition {
            AppendCondition::None => Ok(()),
            AppendCondition::FailIfEventsMatch { query, after } => self.check_query(query, *after),
            AppendCondition::ExpectedRevision { stream, revision } => {
                self.check_revision(stream, *revision)
            }
        }
    }

    fn check_ids(&self, events: &[NewEvent]) -> Result<(), AppendError> {
        let mut batch = HashSet::with_capacity_and_hasher(events.len(), RandomState::new());
        for NewEvent { id, .. } in events {
            // One event cannot stand twice in its own batch: the common case allocates nothing.
            let twice = events.len() > 1 && !batch.insert(*id);
            if twice || self.ids.contains(id) {
                return Err(AppendError::DuplicateEventId(*id));
            }
        }
        Ok(())
    }

    fn check_query(
        &self,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<(), AppendError> {
        match self.first_match(query, after.map_or(0, SequencePosition::get)) {
            None => Ok(()),
            Some(position) => {
                Err(Conflict::EventsMatch { query: query.clone(), after, position }.into())
            }
        }
    }

    fn check_revision(&self, stream: &StreamName, expected: Revision) -> Result<(), AppendError> {
        let actual = self
            .streams
            .get(stream)
            .map_or(Revision::NoEvents, |positions| (positions.len() as u64).checked_sub(1).into());
        if actual == expected {
            return Ok(());
        }
        Err(Conflict::Revision { stream: stream.clone(), expected, actual }.into())
    }

    /// Appends a batch that was checked.
    pub(crate) fn append(&mut self, events: Vec<NewEvent>) -> Vec<Recorded<Bytes>> {
        let recorded_at = whole_microseconds(SystemTime::now());
        events.into_iter().map(|event| self.push(event, recorded_at)).collect()
    }

    fn push(&mut self, new: NewEvent, recorded_at: SystemTime) -> Recorded<Bytes> {
        let position = SequencePosition::FIRST.saturating_add(self.head());
        let at = position.get();
        let mut tags = new.tags;
        for tag in tags.clone().iter() {
            match self.tags.get_mut(tag) {
                Some(tagged) => tagged.push(at, &mut tags),
                None => {
                    let tagged = Tagged { positions: vec![at], tags: tags.clone() };
                    self.tags.insert(tag.into(), tagged);
                }
            }
        }
        match self.types.get_mut(new.event_type.as_str()) {
            Some(positions) => positions.push(at),
            None => drop(self.types.insert(new.event_type.clone(), vec![at])),
        }
        let revision = new.stream.as_ref().map(|stream| {
            let positions = self.streams.entry(stream.clone()).or_default();
            positions.push(at);
            positions.len() as u64 - 1
        });
        self.ids.insert(new.id);
        let record = Recorded {
            id: new.id,
            position,
            stream: new.stream,
            revision,
            event_type: new.event_type,
            version: new.version,
            tags,
            metadata: new.metadata,
            recorded_at,
            event: self.payloads.copy(&new.payload),
        };
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(record.clone()),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(record.clone());
                self.chunks.push(chunk);
            }
        }
        record
    }
}

impl Tagged {
    fn push(&mut self, position: u64, tags: &mut Tags) {
        self.positions.push(position);
        if self.tags == *tags {
            *tags = self.tags.clone();
        } else {
            self.tags = tags.clone();
        }
    }
}

fn whole_microseconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = Duration::from_nanos(u64::from(since.subsec_nanos() % 1000));
    SystemTime::UNIX_EPOCH + (since - nanoseconds)
}
