//! The shop as a newcomer runs it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use factos_postgres::sqlx;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_order-fulfilment")).args(arguments).output().unwrap()
}

/// Runs the story, which compares by itself, and checks what a person sees of it.
fn story(arguments: &[&str]) {
    let output = run(arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (told, shown) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{shown}\n{told}");
    for line in [
        "half of the orders are done: worker 1 is killed, with ",
        "all 30 orders are done\n",
        "to zoe, tried 1 times: the mailbox of zoe is full\n",
        "the mailbox is emptied, and ",
        "stock v2 is built beside the one before it, and promoted\n",
        "payments: ",
        "mails: 60 received, ",
        "the read models equal a fold of the log: 30 orders, ",
    ] {
        assert!(told.contains(line), "{line:?} is missing in\n{told}");
    }
    let row = |consumer: &str| {
        let mut rows = told.lines().map(|line| line.split_whitespace());
        let row = rows.find(|row| row.clone().take(3).eq(consumer.split(' ')));
        row.unwrap().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("stock v1 0")[3], "beside", "{told}");
    let live = row("stock v2 0");
    // Name, version, partition, state, owner, position, behind, oldest, parked.
    assert_eq!((live[3].as_str(), &live[6..]), ("live", &["0", "-", "0"].map(String::from)[..]));
    let shown: Vec<_> = shown.lines().collect();
    assert!(shown.last().unwrap().contains(" a second, 0.0 s left"), "{shown:?}");
}

#[test]
fn on_a_file_that_is_removed() {
    story(&["--orders", "30", "--goods", "2000"]);
}

#[test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
fn on_a_server_whose_schema_is_dropped() {
    let url = std::env::var("FACTOS_POSTGRES_URL").unwrap();
    story(&["--orders", "30", "--goods", "2000", "--workers", "3", "--store", &url]);
    let left = async {
        let pool = sqlx::PgPool::connect(&url).await.unwrap();
        let count = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'order_fulfilment%'";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(left), 0);
}

#[test]
fn wrong_options_are_told_with_the_usage() {
    for arguments in [&["--store", "memory"][..], &["--orders", "1"], &["--workers", "1"]] {
        let output = run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.starts_with("error: ") && errors.contains("--help"), "{errors}");
    }
}

#[test]
fn a_log_with_events_is_none_to_begin_with() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--orders", "10", "--goods", "10", "--folder", folder.path().to_str().unwrap()];
    assert!(run(&arguments).status.success());
    let again = run(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&again.stderr), "error: the log is not empty\n");
}
