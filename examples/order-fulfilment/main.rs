//! A shop in several processes: two read models, effects that fail now and then, and a process manager; with a crash, a
//! rebuild beside the live version, and a comparison with the log at the end.

mod audit;
mod crew;
mod effects;
mod models;
mod options;
mod outside;
mod rebuild;
mod roles;
mod shop;
mod story;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use factos::EventId;
use factos_examples::tables::{Database, Tables};
use factos_postgres::sqlx::{AssertSqlSafe, PgPool, raw_sql};
use tempfile::TempDir;

use crate::{
    crew::Crew,
    models::TABLES,
    options::{Options, Role, StoreChoice},
    story::Story,
};

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

async fn run(mut options: Options) -> anyhow::Result<()> {
    let (folder, _removed) = folder(options.folder.take())?;
    match options.store.clone() {
        StoreChoice::Sqlite => {
            let database = Database::sqlite(&folder.join("shop.db"), TABLES).await?;
            play(&options, &database, &folder).await?;
            database.close().await
        }
        StoreChoice::Postgres(url) => {
            let is_first = options.schema.is_empty();
            if is_first {
                let id = EventId::new().to_string().replace('-', "");
                options.schema = format!("order_fulfilment_{id}");
            }
            let database = Database::postgres(&url, &options.schema, TABLES).await?;
            play(&options, &database, &folder).await?;
            if is_first {
                drop_schema(&url, &options.schema).await?;
            }
            database.close().await
        }
    }
}

/// The part of this process.
async fn play<P: Tables>(
    options: &Options,
    database: &Database<P>,
    folder: &Path,
) -> anyhow::Result<()> {
    match options.role {
        Some(Role::Worker { release }) => roles::work(database, folder, release).await,
        Some(Role::Clerk) => roles::place_orders(database, options.orders).await,
        None => {
            let crew = Crew::new(options, folder.to_owned(), &options.schema)?;
            Story { options, database, folder, crew }.tell().await
        }
    }
}

/// A folder for the files, and what removes it at the end unless it was given.
fn folder(given: Option<PathBuf>) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    if let Some(path) = given {
        std::fs::create_dir_all(&path)?;
        return Ok((path, None));
    }
    let own = tempfile::tempdir()?;
    Ok((own.path().to_owned(), Some(own)))
}

async fn drop_schema(url: &str, schema: &str) -> anyhow::Result<()> {
    let pool = PgPool::connect(url).await?;
    let sql = format!("DROP SCHEMA \"{schema}\" CASCADE");
    raw_sql(AssertSqlSafe(sql)).execute(&pool).await?;
    Ok(())
}
