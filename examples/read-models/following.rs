//! The rows follow the log in a file and a process of their own. The rows of a batch and the checkpoint are committed
//! together, so that a process that is killed at any moment goes on where its rows are.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use factos::{EventStore, EventStoreExt, SequencePosition, Unknown};
use factos_sqlite::{Checkpoint, CheckpointTable, SqliteStore, rusqlite::Connection};
use tokio::task::JoinSet;

use crate::{
    folder::Folder,
    stock,
    warehouse::{self, Warehouse},
};

const WRITERS: u64 = 2;

pub(crate) async fn run(folder: &Folder, kills: u32) -> anyhow::Result<()> {
    let log = folder.log().await?;
    let (models, checkpoint) = models(&folder.models())?;
    let mut follower = start(folder.path())?;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(log.clone(), writer, Arc::clone(&is_over)));
    }
    for _ in 0..kills {
        let before = position(&models, &checkpoint)?;
        while position(&models, &checkpoint)? <= before {
            wait(&mut follower).await?;
        }
        follower.kill()?;
        follower.wait()?;
        follower = start(folder.path())?;
    }
    is_over.store(true, Ordering::Relaxed);
    let mut commands = 0;
    while let Some(writer) = writers.join_next().await {
        commands += writer??;
    }
    let head = log.head().await?;
    while position(&models, &checkpoint)? < head {
        wait(&mut follower).await?;
    }
    follower.kill()?;
    follower.wait()?;

    println!("{commands} commands, and the follower was killed {kills} times");
    stock::compare(&stock::counts(&models)?, &warehouse::fold(&log).await?)?;
    Ok(log.close().await?)
}

/// Runs commands until it is over; how many.
async fn write(log: SqliteStore, writer: u64, is_over: Arc<AtomicBool>) -> anyhow::Result<u64> {
    let mut done = 0;
    while !is_over.load(Ordering::Relaxed) {
        warehouse::run(&log, &warehouse::command(done * WRITERS + writer)).await?;
        done += 1;
    }
    Ok(done)
}

async fn wait(follower: &mut Child) -> anyhow::Result<()> {
    anyhow::ensure!(follower.try_wait()?.is_none(), "the follower ended by itself");
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(())
}

/// The process that is killed.
pub(crate) async fn follow(folder: &Folder) -> anyhow::Result<()> {
    let log = folder.log().await?;
    let (mut models, checkpoint) = models(&folder.models())?;
    let mut from = log.resume(checkpoint.load(&models)?).await?;
    let mut events =
        log.subscribe(Warehouse::query(), from).events::<Warehouse>(Unknown::Skip).page(50);
    loop {
        let batch = events.next().await?;
        // Read before the transaction, which is to be short.
        let Some(to) = batch.anchor(&log).await? else { continue };
        let transaction = models.transaction()?;
        for record in &batch.records {
            stock::apply(&transaction, &record.event)?;
        }
        checkpoint.advance(&transaction, from, &to)?;
        transaction.commit()?;
        from = batch.through;
    }
}

fn models(path: &Path) -> anyhow::Result<(Connection, Checkpoint)> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    stock::create(&connection)?;
    let table = CheckpointTable::new();
    table.migrate(&connection)?;
    Ok((connection, table.checkpoint("stock")))
}

fn position(
    models: &Connection,
    checkpoint: &Checkpoint,
) -> anyhow::Result<Option<SequencePosition>> {
    Ok(checkpoint.load(models)?.map(|kept| kept.position()))
}

fn start(folder: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("follower").arg("--folder").arg(folder).stdin(Stdio::null());
    Ok(command.spawn()?)
}
