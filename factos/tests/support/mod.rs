//! A small domain written by hand, and a store that fails on request.

#![allow(dead_code, reason = "every test binary uses its own part")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::VecDeque, sync::Mutex};

use factos::{
    AppendCondition, AppendError, Bytes, Decider, EncodeError, Event, EventStore, EventType,
    Events, NewEvent, Query, QueryFor, QueryItem, ReadOptions, Recorded, Schema, SequencePosition,
    StoreError, StoreErrorKind, StreamName, Tag, Tags, Turns, TypeInfo, Undecodable,
};
use factos_memory::MemoryStore;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ticketing {
    Sold { show: String, buyer: String },
    Returned { show: String },
    Noted { user: String },
}

pub(crate) fn sold(show: &str, buyer: &str) -> Ticketing {
    let (show, buyer) = (show.into(), buyer.into());
    Ticketing::Sold { show, buyer }
}

pub(crate) fn returned(show: &str) -> Ticketing {
    Ticketing::Returned { show: show.into() }
}

pub(crate) fn noted(user: &str) -> Ticketing {
    Ticketing::Noted { user: user.into() }
}

impl Event for Ticketing {
    const SCHEMA: &'static Schema = &Schema::new(&[
        TypeInfo::new("Sold", 1, "Ticketing::Sold").with_tag_keys(&["show"]),
        TypeInfo::new("Returned", 1, "Ticketing::Returned").with_tag_keys(&["show"]),
        TypeInfo::new("Noted", 1, "Ticketing::Noted").with_tag_keys(&["user"]),
    ]);

    fn event_type(&self) -> EventType {
        EventType::from_static(match self {
            Self::Sold { .. } => "Sold",
            Self::Returned { .. } => "Returned",
            Self::Noted { .. } => "Noted",
        })
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        let (key, value) = match self {
            Self::Sold { show, .. } | Self::Returned { show } => ("show", show),
            Self::Noted { user } => ("user", user),
        };
        let event_type = self.event_type();
        match Tag::new(key, value) {
            Ok(tag) => Ok(tag.into()),
            Err(source) => Err(EncodeError::Tag { event_type, key, source }),
        }
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(match self {
            Self::Sold { show, buyer } => format!("{show}/{buyer}").into(),
            Self::Returned { show: text } | Self::Noted { user: text } => text.clone().into(),
        })
    }

    fn decode(event_type: &EventType, version: u32, payload: &[u8]) -> Result<Self, Undecodable> {
        if version > 1 {
            let (stored, known) = (version, 1);
            return Err(Undecodable::FutureVersion { stored, known });
        }
        let text = std::str::from_utf8(payload).map_err(|e| Undecodable::Malformed(e.into()))?;
        match event_type.as_str() {
            "Sold" => match text.split_once('/') {
                Some((show, buyer)) => Ok(sold(show, buyer)),
                None => Err(Undecodable::Malformed("no slash".into())),
            },
            "Returned" => Ok(returned(text)),
            "Noted" => Ok(noted(text)),
            _ => Err(Undecodable::UnknownType),
        }
    }
}

/// The facts of one show, of these types.
pub(crate) fn about(types: &[&'static str], show: &str) -> QueryFor<Ticketing> {
    let types = types.iter().map(|name| EventType::from_static(name));
    let item = QueryItem::of_types(types).unwrap();
    QueryFor::from_query(item.tagged(&Tag::new("show", show).unwrap()).into())
}

pub(crate) struct Buy {
    pub(crate) show: String,
    pub(crate) buyer: String,
}

pub(crate) fn buy(show: &str, buyer: &str) -> Buy {
    let (show, buyer) = (show.into(), buyer.into());
    Buy { show, buyer }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SoldOut;

/// Sells as many tickets for each show as there are seats.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoxOffice {
    pub(crate) seats: i64,
}

impl Decider for BoxOffice {
    type Command = Buy;
    type Event = Ticketing;
    type State = i64;
    type Error = SoldOut;

    fn initial(&self) -> i64 {
        0
    }

    fn evolve(&self, taken: i64, event: &Ticketing) -> i64 {
        match event {
            Ticketing::Sold { .. } => taken + 1,
            Ticketing::Returned { .. } => taken - 1,
            Ticketing::Noted { .. } => taken,
        }
    }

    fn decide(&self, taken: &i64, buy: &Buy) -> Result<Vec<Ticketing>, SoldOut> {
        if *taken >= self.seats {
            return Err(SoldOut);
        }
        Ok(vec![sold(&buy.show, &buy.buyer)])
    }

    fn context(&self, buy: &Buy) -> QueryFor<Ticketing> {
        about(&["Sold", "Returned"], &buy.show)
    }

    /// A returned ticket does not make a sale wrong.
    fn guard(&self, buy: &Buy) -> QueryFor<Ticketing> {
        about(&["Sold"], &buy.show)
    }
}

/// What happens to one append.
#[derive(Debug)]
pub(crate) enum Fault {
    Pass,
    /// Refused; nothing is written.
    Busy,
    /// Refused for good; nothing is written.
    Full,
    /// Nothing is written, and the caller is not told.
    LostUnwritten,
    /// The batch is written, and the caller is not told.
    LostWritten,
    /// The batch reaches the log twice, and the answer is that of the second time.
    SentTwice,
    /// Somebody else appends this first.
    Rival(Ticketing),
    /// As `LostUnwritten`, and then somebody else appends this.
    LostToRival(Ticketing),
}

/// A memory store whose appends and reads fail as scripted, and which keeps the appends that it was
/// asked for.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) log: MemoryStore,
    appends: Mutex<VecDeque<Fault>>,
    reads: Mutex<VecDeque<StoreErrorKind>>,
    /// After which position each read was asked for.
    read_after: Mutex<Vec<Option<u64>>>,
    meeting: usize,
    pub(crate) asked: Mutex<Vec<(Vec<NewEvent>, AppendCondition)>>,
}

impl Scripted {
    pub(crate) fn new(appends: impl IntoIterator<Item = Fault>) -> Self {
        Self { appends: Mutex::new(appends.into_iter().collect()), ..Self::default() }
    }

    /// No append is carried out before this many were sent, so that all were decided upon the same log.
    pub(crate) fn meeting(appends: usize) -> Self {
        Self { meeting: appends, ..Self::default() }
    }

    /// The next reads fail with these kinds.
    pub(crate) fn fail_reads(&self, kinds: impl IntoIterator<Item = StoreErrorKind>) {
        self.reads.lock().unwrap().extend(kinds);
    }

    /// Lets all further appends pass.
    pub(crate) fn clear(&self) {
        self.appends.lock().unwrap().clear();
    }

    pub(crate) fn conditions(&self) -> Vec<AppendCondition> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(_, condition)| condition.clone()).collect()
    }

    pub(crate) fn ids(&self) -> Vec<Vec<factos::EventId>> {
        let asked = self.asked.lock().unwrap();
        let ids = |batch: &Vec<NewEvent>| batch.iter().map(|event| event.id).collect();
        asked.iter().map(|(batch, _)| ids(batch)).collect()
    }

    /// After which position each read was asked for.
    pub(crate) fn read_after(&self) -> Vec<Option<u64>> {
        self.read_after.lock().unwrap().clone()
    }

    fn note_read(&self, options: ReadOptions) {
        self.read_after.lock().unwrap().push(options.after.map(SequencePosition::get));
    }

    async fn append_by_script(
        &self,
        events: Vec<NewEvent>,
        exists: Option<Query>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let asked = (events.clone(), condition.clone());
        self.asked.lock().unwrap().push(asked);
        while self.asked.lock().unwrap().len() < self.meeting {
            tokio::task::yield_now().await;
        }
        let fault = self.appends.lock().unwrap().pop_front();
        match fault.unwrap_or(Fault::Pass) {
            Fault::Pass => {}
            Fault::Busy => return Err(StoreError::new(StoreErrorKind::Busy, "busy").into()),
            Fault::Full => return Err(StoreError::new(StoreErrorKind::Full, "full").into()),
            Fault::LostUnwritten => return Err(lost()),
            Fault::LostWritten => {
                self.write(events, exists, condition).await?;
                return Err(lost());
            }
            Fault::SentTwice => {
                drop(self.write(events.clone(), exists.clone(), condition.clone()).await?)
            }
            Fault::Rival(event) => drop(seed(&self.log, [event]).await),
            Fault::LostToRival(event) => {
                seed(&self.log, [event]).await;
                return Err(lost());
            }
        }
        self.write(events, exists, condition).await
    }

    async fn write(
        &self,
        events: Vec<NewEvent>,
        exists: Option<Query>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        match (exists, condition) {
            (Some(exists), AppendCondition::FailIfEventsMatch { query, after }) => {
                self.log.append_unless(events, exists, query, after).await
            }
            (_, condition) => self.log.append(events, condition).await,
        }
    }

    fn check_read(&self) -> Result<(), StoreError> {
        match self.reads.lock().unwrap().pop_front() {
            Some(kind) => Err(StoreError::new(kind, "scripted read failure")),
            None => Ok(()),
        }
    }
}

fn lost() -> AppendError {
    StoreError::new(StoreErrorKind::OutcomeUnknown, "scripted lost reply").into()
}

#[deny(clippy::missing_trait_methods)]
#[async_trait::async_trait]
impl EventStore for Scripted {
    fn log_id(&self) -> &str {
        self.log.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        self.note_read(options);
        self.check_read()?;
        self.log.read(query, options).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        self.note_read(options);
        self.check_read()?;
        self.log.read_stream(stream, options).await
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        self.append_by_script(events, None, condition).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let condition = AppendCondition::fail_if_events_match(guard).after(after);
        self.append_by_script(events, Some(exists), condition).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        self.log.head().await
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        self.log.wait_past(after).await
    }

    fn turns(&self) -> Option<&Turns> {
        self.log.turns()
    }
}

/// Appends these events without a condition.
pub(crate) async fn seed<S: EventStore>(
    store: &S,
    events: impl IntoIterator<Item = Ticketing>,
) -> Vec<Recorded<Bytes>> {
    let batch = events.into_iter().map(|event| new_event(&event)).collect();
    store.append(batch, AppendCondition::None).await.unwrap()
}

pub(crate) fn new_event(event: &Ticketing) -> NewEvent {
    NewEvent {
        tags: event.tags().unwrap(),
        ..NewEvent::new(event.event_type(), event.encode().unwrap())
    }
}

pub(crate) fn position(number: u64) -> SequencePosition {
    SequencePosition::new(number).unwrap()
}

/// The events of a log, decoded, in order.
pub(crate) async fn log_of<S: EventStore>(store: &S) -> Vec<Ticketing> {
    let events = store.read(&Query::all(), ReadOptions::all()).await.unwrap();
    let records = events.collect().await.unwrap();
    let typed = records.into_iter().map(factos::decode::<Ticketing>);
    typed.map(|record| record.unwrap().event).collect()
}
