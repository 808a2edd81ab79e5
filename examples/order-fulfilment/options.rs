use std::{path::PathBuf, str::FromStr};

use clap::{Parser, Subcommand};

/// Orders, payments, stock and mails: read models, effects and a process manager in several processes, one of
/// which is killed. Ends with a table of how the consumers stand, and compares everything with a fold of the log.
#[derive(Debug, Clone, Parser)]
#[command(name = "order-fulfilment", version)]
pub(crate) struct Options {
    /// Where the log and the tables lie: `sqlite` for a new file, or `postgres://...` for a new schema of a database, which
    /// is dropped at the end
    #[arg(long, default_value = "sqlite", value_name = "STORE")]
    pub(crate) store: StoreChoice,

    /// How many orders are placed
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=100_000))]
    pub(crate) orders: u64,

    /// How many processes run the consumers; the first of them is killed
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=16))]
    pub(crate) workers: u32,

    /// How many deliveries of goods there are in the log before
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) goods: u64,

    /// A folder for the files, which is kept; by default one that is removed at the end
    #[arg(long, value_name = "PATH")]
    pub(crate) folder: Option<PathBuf>,

    /// The schema that the processes share
    #[arg(long, hide = true, default_value = "")]
    pub(crate) schema: String,

    /// What a process does that the first one has started
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Role {
    /// Run the consumers
    #[command(hide = true)]
    Worker { release: u32 },
    /// Place orders
    #[command(hide = true)]
    Clerk,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    Sqlite,
    Postgres(String),
}

impl FromStr for StoreChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            _ => Err("expected `sqlite` or `postgres://...`"),
        }
    }
}

impl StoreChoice {
    /// As an argument.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(url) => url,
        }
    }
}
