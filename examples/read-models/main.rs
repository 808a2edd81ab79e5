//! Three read models of a warehouse: one that is written with each append, one that follows the log, and one that is
//! built anew. Each ends by comparing itself with a fold of the log.

mod catching_up;
mod folder;
mod following;
mod inline;
mod stock;
mod warehouse;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Read models of a warehouse.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    model: Model,
    /// A folder for the log and the read models; by default one that is removed at the end.
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Model {
    /// Write the rows in the transaction of each append, by a hook.
    Inline {
        /// How many commands are run.
        #[arg(long, default_value_t = 2_000)]
        commands: u64,
    },
    /// Follow the log in a process of its own, which is killed and started again while commands go on.
    Following {
        /// How often it is killed.
        #[arg(long, default_value_t = 5)]
        kills: u32,
    },
    /// Build the rows from the first event on, and show how far it is.
    CatchingUp {
        /// How many events there are.
        #[arg(long, default_value_t = 100_000)]
        events: u64,
    },
    /// The process that follows.
    #[command(hide = true)]
    Follower,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let folder = folder::Folder::open(options.folder)?;
    match options.model {
        Model::Inline { commands } => inline::run(&folder, commands).await,
        Model::Following { kills } => following::run(&folder, kills).await,
        Model::CatchingUp { events } => catching_up::run(&folder, events).await,
        Model::Follower => following::follow(&folder).await,
    }
}
