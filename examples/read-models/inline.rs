//! The rows are written in the transaction of each append: whoever reads the log or the rows finds both or neither.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use factos_sqlite::rusqlite::{self, Connection};
use tokio::task::JoinSet;

use crate::{folder::Folder, stock, warehouse};

const TASKS: usize = 8;

pub(crate) async fn run(folder: &Folder, commands: u64) -> anyhow::Result<()> {
    let log = folder.log().await?;
    log.write(|transaction| stock::create(transaction.connection())).await?;
    let with_rows = log.with_hook(|connection, records| {
        for record in records {
            stock::apply(connection, &factos::decode(record.clone())?.event)?;
        }
        Ok(())
    });

    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (store, next) = (with_rows.clone(), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= commands {
                    return Ok::<_, anyhow::Error>(());
                }
                warehouse::run(&store, &warehouse::command(number)).await?;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }

    let rows = tokio::task::spawn_blocking({
        let path = folder.path().join("log.db");
        move || stock::counts(&Connection::open(path)?)
    });
    let rows: Result<_, rusqlite::Error> = rows.await?;
    println!("{commands} commands of {TASKS} tasks");
    stock::compare(&rows?, &warehouse::fold(&log).await?)?;
    drop(with_rows);
    Ok(log.close().await?)
}
