//! How far one primary goes, in counts and bytes rather than in times: many logs in one database, many followers of
//! one log, and the growth of a log.
//!
//! `scripts/with-postgres cargo bench -p factos-postgres --bench scale -- logs | followers | growth`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod database;
mod followers;
mod growth;
mod logs;
mod median;

use clap::{Parser, Subcommand};

/// What a database needs for more logs, more followers and more events.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
    /// Passed by `cargo bench`
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Logs in schemas of one database, by so many at a time
    Logs {
        #[arg(value_delimiter = ',', default_values_t = [10, 100, 1000])]
        counts: Vec<usize>,
    },
    /// Followers of one log, shared out to handles with a pool of their own each
    Followers {
        #[arg(value_delimiter = ',', default_values_t = [1, 100, 1000])]
        counts: Vec<usize>,
        #[arg(long, default_value_t = 1)]
        handles: usize,
    },
    /// A log that is filled, and looked at on its way
    Growth {
        #[arg(value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
        counts: Vec<u64>,
    },
}

#[tokio::main]
async fn main() {
    match Options::parse().what {
        What::Logs { counts } => logs::measure(&counts).await,
        What::Followers { counts, handles } => followers::measure(&counts, handles).await,
        What::Growth { counts } => growth::measure(&counts).await,
    }
}
