use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    mem,
    time::SystemTime,
};

use ahash::RandomState;
use factos::{
    Bytes, EventId, EventType, NewEvent, Page, Payloads, Query, Recorded, Revision,
    SequencePosition, StreamName, Tags,
    backend::{LogState, now, record},
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

    /// Appends a batch that was checked.
    pub(crate) fn append(&mut self, events: Vec<NewEvent>) -> Page {
        let recorded_at = now();
        events.into_iter().map(|event| self.push(event, recorded_at)).collect()
    }

    fn push(&mut self, mut new: NewEvent, recorded_at: SystemTime) -> Recorded<Bytes> {
        let position = SequencePosition::FIRST.saturating_add(self.head());
        let at = position.get();
        let mut tags = mem::take(&mut new.tags);
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
        new.tags = tags;
        new.payload = self.payloads.copy(&new.payload);
        let record = record(new, position, revision, recorded_at);
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

impl LogState for Log {
    type Error = Infallible;

    fn taken_id(&mut self, events: &[NewEvent]) -> Result<Option<EventId>, Infallible> {
        Ok(events.iter().map(|event| event.id).find(|id| self.ids.contains(id)))
    }

    fn first_match(
        &mut self,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<Option<SequencePosition>, Infallible> {
        Ok(self.any_match(query, after.map_or(0, SequencePosition::get)))
    }

    fn revision(&mut self, stream: &StreamName) -> Result<Revision, Infallible> {
        let events = self.streams.get(stream).map_or(0, Vec::len) as u64;
        Ok(events.checked_sub(1).into())
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
