use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use axum::extract::FromRef;
use factos::EventStore;
use factos_consumer::{Consumers, OnError};
use factos_examples::tables::{Database, Reader, Tables};

use crate::courses::Courses;

/// After a kill, for how long a service that is started again waits for its read model.
const LEASE: Duration = Duration::from_secs(5);

/// The log that all requests share.
pub(crate) type Log = Arc<dyn EventStore>;

#[derive(Debug, Clone)]
pub(crate) enum StoreChoice {
    Sqlite(PathBuf),
    Postgres { url: String, schema: String },
}

impl FromStr for StoreChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            None if text.starts_with("postgres") => {
                // `postgres://...?schema=NAME` takes another schema than `factos`.
                let (url, schema) = text.split_once("?schema=").unwrap_or((text, "factos"));
                Ok(Self::Postgres { url: url.to_owned(), schema: schema.to_owned() })
            }
            _ => Err("expected `sqlite:PATH` or `postgres://...`"),
        }
    }
}

/// What requests share.
#[derive(Clone)]
pub(crate) struct School<P> {
    pub(crate) log: Log,
    pub(crate) consumers: Consumers<P>,
    pub(crate) reader: Reader,
}

impl<P: Tables> School<P> {
    pub(crate) fn of(database: &Database<P>) -> Self {
        let log = Arc::clone(&database.log);
        let consumers = Consumers::new(Arc::clone(&log), database.port.clone())
            .project(Courses::<P>::new(), OnError::Stop)
            .lease(LEASE);
        Self { log, consumers, reader: database.reader.clone() }
    }
}

impl<P> FromRef<School<P>> for Log {
    fn from_ref(school: &School<P>) -> Self {
        Self::clone(&school.log)
    }
}
