//! A sale that cannot oversell: every buyer is a task that dispatches `BuyTicket` on one log.

mod box_office;
mod options;
mod progress;
mod report;
mod sale;

use std::process::ExitCode;

use clap::Parser;

use crate::{options::Options, report::Report};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match sell(&options).await {
        Ok(report) => report.print(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn sell(options: &Options) -> anyhow::Result<Report> {
    let opened = options.store.open().await?;
    let report = sale::run(&opened.store, options, opened.location).await?;
    if let Some(file) = opened.file {
        file.close().await?;
    }
    Ok(report)
}
