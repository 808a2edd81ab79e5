use std::{path::PathBuf, str::FromStr, sync::Arc};

use factos::EventStore;
use factos_postgres::Config;
use factos_sqlite::SqliteStore;

/// The log that all requests share.
pub(crate) type Log = Arc<dyn EventStore>;

#[derive(Debug, Clone)]
pub(crate) enum StoreChoice {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for StoreChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            None if text.starts_with("postgres") => Ok(Self::Postgres(text.to_owned())),
            _ => Err("expected `sqlite:PATH` or `postgres://...`"),
        }
    }
}

/// An open log, and how it is closed.
pub(crate) struct Opened {
    pub(crate) log: Log,
    file: Option<SqliteStore>,
}

impl StoreChoice {
    pub(crate) async fn open(&self) -> anyhow::Result<Opened> {
        match self {
            Self::Sqlite(path) => {
                let file = SqliteStore::open(path).await?;
                Ok(Opened { log: Arc::new(file.clone()), file: Some(file) })
            }
            Self::Postgres(url) => {
                // `postgres://...?schema=NAME` takes another schema than `factos`.
                let (url, schema) = url.split_once("?schema=").unwrap_or((url, "factos"));
                let config = Config::new().create(true).schema(schema)?;
                Ok(Opened { log: Arc::new(config.connect(url).await?), file: None })
            }
        }
    }
}

impl Opened {
    /// Reports a write that failed at the end.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        match self.file {
            Some(file) => Ok(file.close().await?),
            None => Ok(()),
        }
    }
}
