//! A process is killed in the midst of its appends.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use factos::{EventStore, EventStoreExt};
use factos_postgres::{Mode, PostgresStore};

use crate::{
    log::{Equal, Log, NONE, Table, copying},
    support::{Schema, eventually, of_show, pool, sold},
};

const SCHEMA: &str = "FACTOS_TEST_SCHEMA";

/// Appends on, until it is killed.
async fn append(schema: String) {
    let table = Table::of(&schema);
    let schema = std::mem::ManuallyDrop::new(Schema { name: schema, mode: Mode::Keyed });
    let hooked = copying(&schema.open().await, &table);
    println!("ready=");
    let clients: Vec<_> = (0..4)
        .map(|n| {
            let hooked = hooked.clone();
            tokio::spawn(async move {
                for round in 0.. {
                    let show = if round % 5 == n { "bad" } else { "1" };
                    let batch = (0..1 + round % 3).map(|_| sold(show)).collect();
                    let is_err = if n == 3 {
                        append_in(&hooked, batch).await.is_err()
                    } else {
                        hooked.append(batch, NONE).await.is_err()
                    };
                    assert_eq!(is_err, show == "bad");
                    if !is_err {
                        println!("appended=");
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

async fn append_in(
    hooked: &PostgresStore,
    batch: Vec<factos::NewEvent>,
) -> Result<(), factos::AppendError> {
    let mut transaction = hooked.pool().begin().await.unwrap();
    hooked.append_in(&mut transaction, vec![sold("1")], NONE).await?;
    hooked.append_in(&mut transaction, batch, NONE).await?;
    transaction.commit().await.unwrap();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_killed_process_leaves_table_and_log_equal() {
    const KILLS: usize = 200;
    if let Ok(schema) = env::var(SCHEMA) {
        return append(schema).await;
    }
    let log = Log::new(Mode::Keyed).await;
    let own = pool(1).await;
    let mut events = 0;
    for round in 0..KILLS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kills::a_killed_process_leaves_table_and_log_equal"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env(SCHEMA, &log.schema.name)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut has_told = |what| output.by_ref().any(|line| line.unwrap().contains(what));
        assert!(has_told("ready="));
        // Some are killed before anything was acknowledged.
        let acknowledged = round % 4;
        assert!((0..acknowledged).all(|_| has_told("appended=")));
        tokio::time::sleep(Duration::from_micros(fastrand::u64(0..20_000))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let found = own.equal(&log.schema.name).await;
        assert!(acknowledged == 0 || found > events, "what was acknowledged is there");
        events = found;
    }
    println!("{KILLS} kills, {events} events");
    eventually("the last transactions have ended", || async {
        let read = log.store.read_all(&of_show("1")).await.unwrap().len();
        own.equal(&log.schema.name).await == i64::try_from(read).unwrap()
    })
    .await;
    log.copying().append(vec![sold("1")], NONE).await.unwrap();
}
