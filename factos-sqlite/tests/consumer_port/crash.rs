//! Processes that are killed.

use std::{
    io::{BufRead, BufReader},
    time::Duration,
};

use factos_consumer::port::{Port, Token};
use factos_sqlite::SqliteConsumers;

use crate::{
    file::{File, lease, moves, open, position, work, write},
    support::{child, task},
};

/// Ends the process at once, as a power cut of the machine's would, but for what the system has of the file.
fn end() -> ! {
    std::process::abort()
}

#[tokio::test]
#[ignore = "a child process of a_process_that_ends_between_work_and_commit_leaves_nothing"]
async fn ends_in_its_step() {
    let (path, token) = task();
    let consumers = SqliteConsumers::new(&open(path).await);
    let step = moves(Token(token.parse().unwrap()), 0, 1);
    let ends = work(|tx| {
        write(tx, "lost")?;
        println!("worked=");
        end()
    });
    consumers.commit(step, ends).await.unwrap();
}

#[tokio::test]
async fn a_process_that_ends_between_work_and_commit_leaves_nothing() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    let name = "crash::ends_in_its_step";
    let ended = child(name, &file.path(), &token.0.to_string()).output().unwrap();
    assert!(!ended.status.success());
    assert!(String::from_utf8(ended.stdout).unwrap().contains("worked="));
    assert_eq!((position(&consumers).await, file.written()), (0, vec![]));
    consumers.commit(moves(token, 0, 1), work(|tx| write(tx, "next"))).await.unwrap();
    assert_eq!((position(&consumers).await, file.written()), (1, vec!["next".to_owned()]));
}

/// Makes one step after the other, each of which writes its position.
#[tokio::test]
#[ignore = "a child process of each_step_of_killed_processes_is_kept_whole"]
async fn steps_until_killed() {
    let (path, token) = task();
    let token = Token(token.parse().unwrap());
    let consumers = SqliteConsumers::new(&open(path).await);
    println!("ready=");
    for from in position(&consumers).await.. {
        let writes = work(move |tx| write(tx, &(from + 1).to_string()));
        consumers.commit(moves(token, from, from + 1), writes).await.unwrap();
        println!("moved=");
    }
}

#[tokio::test]
async fn each_step_of_killed_processes_is_kept_whole() {
    const KILLS: u64 = 40;
    let file = File::new().await;
    let consumers = file.consumers().await;
    let token = lease(&consumers).await;
    for round in 0..KILLS {
        let before = position(&consumers).await;
        let mut child = child("crash::steps_until_killed", &file.path(), &token.0.to_string());
        let mut child = child.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut has_told = |what| output.any(|line| line.unwrap().contains(what));
        assert!(has_told("ready="));
        // Some are killed before a step was acknowledged.
        let acknowledged = round % 4;
        assert!((0..acknowledged).all(|_| has_told("moved=")));
        std::thread::sleep(Duration::from_micros(fastrand::u64(0..5_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let after = position(&consumers).await;
        let expected: Vec<_> = (1..=after).map(|position| position.to_string()).collect();
        assert_eq!(file.written(), expected);
        assert!(after >= before + acknowledged, "what was acknowledged is there");
    }
}
