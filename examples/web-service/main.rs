//! Courses and students over HTTP: what a service needs around its deciders.

mod answer;
mod commands;
mod queries;
mod store;

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    routing::{get, post, put},
};
use clap::Parser;
use tokio::net::TcpListener;

use crate::store::{Log, StoreChoice};

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
    match serve(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> anyhow::Result<()> {
    let opened = options.store.open().await?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", options.listen))?;
    println!("listening on http://{}", listener.local_addr()?);
    let routes = routes(Arc::clone(&opened.log));
    // Requests that are being answered are answered to their end; then the log is closed.
    axum::serve(listener, routes).with_graceful_shutdown(told_to_end()).await?;
    opened.close().await?;
    println!("ended");
    Ok(())
}

fn routes(log: Log) -> Router {
    Router::new()
        .route("/courses/{course}", put(commands::define).get(queries::course))
        .route("/courses/{course}/capacity", put(commands::change_capacity))
        .route("/courses/{course}/students", post(commands::subscribe))
        .route("/courses/{course}/history", get(queries::history))
        .with_state(log)
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
