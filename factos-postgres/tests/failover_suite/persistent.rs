use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use factos::{
    AppendCondition, AppendError, Bytes, EventId, EventStore, Events, NewEvent, Page, Query,
    ReadOptions, Recorded, SequencePosition, StoreError, StoreErrorKind, StreamName, Turns,
};
use factos_postgres::{Config, PostgresStore};

const PAUSE: Duration = Duration::from_millis(50);

/// Does what the errors of a store say: tries again what is busy, and finds out by its ids what became of a
/// batch whose outcome is unknown. Any other error is the caller's.
pub(crate) struct Persistent(PostgresStore);

/// The result of the first call that is not to be tried again.
macro_rules! tried {
    ($call:expr) => {
        loop {
            match $call {
                Err(error) if is_to_be_tried_again(&error).is_ok() => {}
                outcome => break outcome,
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
}

/// All of a read, for it may fail within.
async fn whole(
    events: Result<Events<'_>, StoreError>,
) -> Result<(Option<SequencePosition>, Page), StoreError> {
    let events = events?;
    Ok((events.observed(), events.collect().await?))
}

impl Persistent {
    pub(crate) async fn open(config: Config, url: &str) -> Self {
        loop {
            match config.clone().connect(url).await {
                Ok(store) => return Self(store),
                Err(error) => is_to_be_tried_again(&error).unwrap(),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn persist<Appending: Future<Output = Result<Page, AppendError>>>(
        &self,
        events: &[NewEvent],
        append: impl Fn() -> Appending,
    ) -> Result<Page, AppendError> {
        let mut may_be_written = false;
        loop {
            match append().await {
                Err(AppendError::Store(error))
                    if error.kind() == StoreErrorKind::OutcomeUnknown =>
                {
                    may_be_written = true;
                }
                Err(AppendError::Store(error)) if error.is_retryable() => {}
                Err(AppendError::DuplicateEventId(id)) if may_be_written => {
                    let records = self.records_of(events).await?;
                    if records.len() == events.len() && is_news(self.log_id(), &records) {
                        return Ok(records);
                    }
                    return Err(AppendError::DuplicateEventId(id));
                }
                outcome => {
                    if let Ok(records) = &outcome {
                        is_news(self.log_id(), records);
                    }
                    return outcome;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The records of a batch that is in the log.
    async fn records_of(&self, events: &[NewEvent]) -> Result<Page, StoreError> {
        let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
        let (query, options) = (Query::all(), ReadOptions::all());
        let (_, all) = tried!(whole(self.0.read(&query, options).await).await)?;
        Ok(all.into_iter().filter(|record| ids.contains(&record.id)).collect())
    }
}

/// The ids of the events that any caller was told of as appended, by log: two logs may have the same ids.
static TOLD: LazyLock<Mutex<HashMap<String, HashSet<EventId>>>> = LazyLock::new(Mutex::default);

/// Whether no caller was told before that these are appended, as is now.
fn is_news(log: &str, records: &Page) -> bool {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let told = told.entry(log.to_owned()).or_default();
    let is_news = records.iter().all(|record| !told.contains(&record.id));
    told.extend(records.iter().map(|record| record.id));
    is_news
}

fn is_to_be_tried_again(error: &StoreError) -> Result<(), String> {
    if error.is_retryable() || error.kind() == StoreErrorKind::OutcomeUnknown {
        return Ok(());
    }
    Err(format!("{error:?}"))
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl EventStore for Persistent {
    fn log_id(&self) -> &str {
        self.0.log_id()
    }

    async fn read(&self, query: &Query, options: ReadOptions) -> Result<Events<'_>, StoreError> {
        let (observed, page) = tried!(whole(self.0.read(query, options).await).await)?;
        Ok(Events::of_page(observed, page))
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        options: ReadOptions,
    ) -> Result<Events<'_>, StoreError> {
        let (observed, page) = tried!(whole(self.0.read_stream(stream, options).await).await)?;
        Ok(Events::of_page(observed, page))
    }

    async fn append(
        &self,
        events: Vec<NewEvent>,
        condition: AppendCondition,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let append = || self.0.append(events.clone(), condition.clone());
        self.persist(&events, append).await
    }

    async fn append_unless(
        &self,
        events: Vec<NewEvent>,
        exists: Query,
        guard: Query,
        after: Option<SequencePosition>,
    ) -> Result<Vec<Recorded<Bytes>>, AppendError> {
        let append = || self.0.append_unless(events.clone(), exists.clone(), guard.clone(), after);
        self.persist(&events, append).await
    }

    async fn head(&self) -> Result<Option<SequencePosition>, StoreError> {
        tried!(self.0.head().await)
    }

    async fn wait_past(&self, after: Option<SequencePosition>) -> Result<(), StoreError> {
        tried!(self.0.wait_past(after).await)
    }

    fn turns(&self) -> Option<&Turns> {
        self.0.turns()
    }
}
