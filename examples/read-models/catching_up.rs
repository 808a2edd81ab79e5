//! The rows are built from the first event on, as for a model that is new, while a bar shows how far it is.

use std::{io::IsTerminal, time::Instant};

use factos::{AppendCondition, EventStore, EventStoreExt, Unknown, encode};
use factos_sqlite::{CheckpointTable, SqliteStore, rusqlite::Connection};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    folder::Folder,
    stock,
    warehouse::{self, Warehouse},
};

/// How many events are appended at a time.
const BATCH: u64 = 1_000;

pub(crate) async fn run(folder: &Folder, events: u64) -> anyhow::Result<()> {
    let log = folder.log().await?;
    fill(&log, events).await?;
    let mut models = Connection::open(folder.models())?;
    models.execute_batch("DROP TABLE IF EXISTS stock")?;
    stock::create(&models)?;
    let table = CheckpointTable::new();
    table.migrate(&models)?;
    let checkpoint = table.checkpoint("stock of this run");
    checkpoint.remove(&models)?;

    let head = log.head().await?.map_or(0, |head| head.get());
    let bar = bar(head);
    let (start, mut applied, mut from) = (Instant::now(), 0, None);
    let mut following = log.subscribe(Warehouse::query(), None).events::<Warehouse>(Unknown::Skip);
    while !following.is_live() {
        let batch = following.next().await?;
        if let Some(to) = batch.anchor(&log).await? {
            let transaction = models.transaction()?;
            for record in &batch.records {
                stock::apply(&transaction, &record.event)?;
            }
            checkpoint.advance(&transaction, from, &to)?;
            transaction.commit()?;
        }
        applied += batch.records.len();
        from = batch.through;
        show(&bar, from.map_or(0, |position| position.get()));
    }
    bar.finish_and_clear();
    drop(following);

    let seconds = start.elapsed().as_secs_f64();
    let rate = applied as f64 / seconds.max(f64::EPSILON);
    println!("{applied} events in {seconds:.1} s: {rate:.0} a second");
    stock::compare(&stock::counts(&models)?, &warehouse::fold(&log).await?)?;
    Ok(log.close().await?)
}

async fn fill(log: &SqliteStore, events: u64) -> anyhow::Result<()> {
    for start in (0..events).step_by(BATCH.try_into()?) {
        let batch = (start..events.min(start + BATCH))
            .map(|n| {
                let item = format!("item-{}", n % 1_000);
                encode(&Warehouse::Received { item, count: 1 })
            })
            .collect::<Result<_, _>>()?;
        log.append(batch, AppendCondition::None).await?;
    }
    Ok(())
}

/// A bar on a terminal, and a few lines elsewhere.
fn bar(head: u64) -> ProgressBar {
    let bar = ProgressBar::new(head);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len}, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, position: u64) {
    const LINES: u64 = 5;
    let head = bar.length().unwrap_or_default().max(1);
    let (before, now) = (bar.position() * LINES / head, position * LINES / head);
    bar.set_position(position);
    if bar.is_hidden() && now > before {
        let left = bar.eta().as_secs_f64();
        eprintln!("{position} of {head}, {:.0} a second, {left:.1} s left", bar.per_sec());
    }
}
