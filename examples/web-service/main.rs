//! Courses and students over HTTP: what a service needs around its deciders.

mod answer;
mod commands;
mod courses;
mod queries;
mod store;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    routing::{get, post, put},
};
use clap::Parser;
use factos::EventStore;
use factos_consumer::Projection;
use factos_examples::tables::{Database, Tables};
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    courses::{Courses, TABLES},
    store::{School, StoreChoice},
};

/// Serves courses and students over HTTP.
#[derive(Debug, Parser)]
#[command(name = "web-service", version)]
struct Options {
    /// Where the log lies: `sqlite:PATH`, or `postgres://...` for a database
    #[arg(long, default_value = "sqlite:courses.db", value_name = "STORE")]
    store: StoreChoice,

    /// The address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
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
    match &options.store {
        StoreChoice::Sqlite(path) => {
            serve(Database::sqlite(path, TABLES).await?, options.listen).await
        }
        StoreChoice::Postgres { url, schema } => {
            serve(Database::postgres(url, schema, TABLES).await?, options.listen).await
        }
    }
}

/// Serves, and runs the consumer of the read model. If that cannot go on, the service ends with its error.
async fn serve<P: Tables>(database: Database<P>, listen: SocketAddr) -> anyhow::Result<()> {
    let school = School::of(&database);
    let consumers = school.consumers.clone();
    let (ended, end) = oneshot::channel::<()>();
    let consuming = async { Ok(consumers.run_until(async { drop(end.await) }).await?) };
    let answering = async {
        let answered = answer(school, listen).await;
        drop(ended);
        answered
    };
    tokio::try_join!(answering, consuming)?;
    // After what was being answered, and what the consumer had in hand.
    database.close().await?;
    println!("ended");
    Ok(())
}

async fn answer<P: Tables>(school: School<P>, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {listen}"))?;
    // Whoever was told of a change before the start sees it.
    if let Some(head) = school.log.head().await? {
        school.consumers.wait_for(Courses::<P>::NAME, head, Duration::from_secs(60)).await?;
    }
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes(school)).with_graceful_shutdown(told_to_end()).await?;
    Ok(())
}

fn routes<P: Tables>(school: School<P>) -> Router {
    Router::new()
        .route("/courses/{course}", put(commands::define).get(queries::course::<P>))
        .route("/courses/{course}/capacity", put(commands::change_capacity))
        .route("/courses/{course}/students", post(commands::subscribe))
        .route("/courses/{course}/history", get(queries::history))
        .with_state(school)
}

/// Resolves at SIGTERM or SIGINT.
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
