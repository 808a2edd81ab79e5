use std::{path::PathBuf, str::FromStr, sync::Arc};

use anyhow::Context;
use clap::Parser;
use factos::EventStore;
use factos_memory::MemoryStore;
use factos_postgres::Config;
use factos_sqlite::SqliteStore;

/// Sells the seats of one show to many buyers at once, and proves from the log that none was sold
/// twice.
#[derive(Debug, Parser)]
#[command(name = "ticket-sale", version)]
pub(crate) struct Options {
    /// Where the log lies: `memory`, `sqlite:PATH`, `sqlite` for a new file in a temporary folder, or
    /// `postgres://...` for a database, with `?schema=NAME` for another schema than `factos`
    #[arg(long, default_value = "sqlite", value_name = "STORE")]
    pub(crate) store: StoreChoice,

    /// How many buyers try to buy one ticket each
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) buyers: u64,

    /// How many seats the show has
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) seats: u64,

    /// How many buyers try at the same time
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) concurrency: u32,

    /// Decide every purchase alone, instead of together and from memory
    #[arg(long)]
    pub(crate) alone: bool,

    /// Print what the reactor makes of each sale
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum StoreChoice {
    Memory,
    NewFile,
    Sqlite(PathBuf),
    Postgres { url: String, config: Config },
}

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("sqlite:")) {
            ("memory", _) => Ok(Self::Memory),
            ("sqlite", _) => Ok(Self::NewFile),
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Self::postgres(text)
            }
            (_, Some("")) => Err("the path after `sqlite:` is missing".to_owned()),
            (_, Some(path)) => Ok(Self::Sqlite(path.into())),
            _ => Err("expected `memory`, `sqlite`, `sqlite:PATH` or `postgres://...`".to_owned()),
        }
    }
}

impl StoreChoice {
    fn postgres(text: &str) -> Result<Self, String> {
        let config = Config::new().create(true);
        let (url, config) = match text.split_once("?schema=") {
            Some((url, schema)) => (url, config.schema(schema).map_err(|error| error.to_string())?),
            None => (text, config),
        };
        Ok(Self::Postgres { url: url.to_owned(), config })
    }
}

/// An open store, and where a person finds its log.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) location: String,
    /// Closed at the end, so that a failed write is reported.
    pub(crate) file: Option<SqliteStore>,
}

impl StoreChoice {
    pub(crate) async fn open(&self) -> anyhow::Result<Opened> {
        match self {
            Self::Memory => Ok(Opened {
                store: Arc::new(MemoryStore::new()),
                location: "memory, gone with this process".to_owned(),
                file: None,
            }),
            Self::Sqlite(path) => open_sqlite(path.clone()).await,
            Self::Postgres { url, config } => {
                let store = config.clone().connect(url).await?;
                // Without the part that may hold a password.
                let place = url.rsplit_once('@').map_or("the database", |(_, place)| place);
                let location = format!("{place}, log {}", store.log_id());
                Ok(Opened { store: Arc::new(store), location, file: None })
            }
            Self::NewFile => {
                let folder = tempfile::Builder::new().prefix("ticket-sale-").tempdir();
                let folder = folder.context("no temporary folder can be made")?;
                // Kept, so that one can look at the log after the sale.
                open_sqlite(folder.keep().join("tickets.db")).await
            }
        }
    }
}

async fn open_sqlite(path: PathBuf) -> anyhow::Result<Opened> {
    let location = path.display().to_string();
    let file = SqliteStore::open(path).await?;
    Ok(Opened { store: Arc::new(file.clone()), location, file: Some(file) })
}
