//! Backups while others append, and logs that are only read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use factos::{AppendCondition, AppendError, EventStore, EventStoreExt, Query, StoreErrorKind};
use factos_sqlite::{Config, Error, SqliteStore};
use support::{cause, is_whole, sold};

/// Writers of this process and of another one append meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_the_log_up_to_some_position() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut other = support::child("appends_until_killed", &path, "").spawn().unwrap();
    let is_done = std::sync::Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, is_done) = (store.clone(), is_done.clone());
        async move {
            while !is_done.load(Ordering::SeqCst) {
                let batch = vec![sold("a"), sold("b")];
                store.append(batch, AppendCondition::None).await.unwrap();
            }
        }
    });
    for round in 0..8 {
        let copy = folder.path().join(format!("copy {round}.db"));
        let before = store.head().await.unwrap();
        store.backup(&copy).await.unwrap();
        let after = store.head().await.unwrap();
        assert!(is_whole(&copy));
        let copied = SqliteStore::open(&copy).await.unwrap();
        assert_eq!(copied.log_id(), store.log_id());
        let head = copied.head().await.unwrap();
        assert!(before <= head && head <= after, "{before:?} {head:?} {after:?}");
        let page = copied.read_all(&Query::all()).await.unwrap();
        let original = store.read_all(&Query::all()).await.unwrap();
        assert_eq!(page[..], original[..page.len()]);
        // Batches are of two: none is torn.
        assert_eq!(page.len() % 2, 0);
        copied.append(vec![sold("c")], AppendCondition::None).await.unwrap();
    }
    is_done.store(true, Ordering::SeqCst);
    writer.await.unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(fs::read_dir(&folder).unwrap().all(|file| {
        !file.unwrap().file_name().to_string_lossy().starts_with(".factos-backup-")
    }));
}

#[tokio::test]
#[ignore = "a child process of a_backup_is_the_log_up_to_some_position"]
async fn appends_until_killed() {
    let (path, _) = support::task();
    let store = SqliteStore::open(path).await.unwrap();
    loop {
        store.append(vec![sold("x"), sold("y")], AppendCondition::None).await.unwrap();
    }
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("log.db")).await.unwrap();
    let copy = folder.path().join("copy.db");
    fs::write(&copy, "precious").unwrap();
    let error = store.backup(&copy).await.unwrap_err();
    assert!(matches!(cause(&error), Error::BackupExists { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "precious");
    let error = store.backup(folder.path().join("no/such/copy.db")).await.unwrap_err();
    assert!(matches!(cause(&error), Error::Backup { .. }), "{error:?}");
}

/// A process that is killed while it makes a backup leaves no file of that name, or a whole one.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backup_leaves_no_half_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    for _ in 0..20 {
        let batch = (0..1000).map(|_| sold("a")).collect();
        store.append(batch, AppendCondition::None).await.unwrap();
    }
    let copy = folder.path().join("copy.db");
    let mut finished = 0;
    for round in 0..30 {
        let argument = copy.to_str().unwrap();
        let mut child = support::child("makes_a_backup", &path, argument)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if copy.exists() {
            finished += 1;
            assert!(is_whole(&copy));
            let copied = Config::new(&copy).read_only(true).open().await.unwrap();
            assert_eq!(copied.head().await.unwrap(), store.head().await.unwrap());
            copied.close().await.unwrap();
            fs::remove_file(&copy).unwrap();
        }
    }
    println!("{finished} of 30 were finished");
}

#[tokio::test]
#[ignore = "a child process of a_killed_backup_leaves_no_half_file"]
async fn makes_a_backup() {
    let (path, copy) = support::task();
    SqliteStore::open(path).await.unwrap().backup(copy).await.unwrap();
}

/// Every file of a folder, with its bytes and its time.
fn files(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let files = fs::read_dir(folder).unwrap().map(|file| {
        let file = file.unwrap();
        let changed = file.metadata().unwrap().modified().unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        (name, (fs::read(file.path()).unwrap(), changed))
    });
    files.collect()
}

fn read_only(path: &Path) -> Config {
    Config::new(path).read_only(true)
}

#[tokio::test]
async fn a_log_that_is_only_read_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![sold("a"), sold("b")], AppendCondition::None).await.unwrap();
    store.close().await.unwrap();
    let before = files(folder.path());
    let store = read_only(&path).open().await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 2);
    assert_eq!(store.head().await.unwrap().unwrap().get(), 2);
    let refused = store.append(vec![sold("c")], AppendCondition::None).await.unwrap_err();
    let AppendError::Store(error) = refused else { panic!("{refused:?}") };
    assert!(matches!(cause(&error), Error::OpenedReadOnly { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Other);
    store.close().await.unwrap();
    assert_eq!(files(folder.path()), before);
}

/// What a killed process left in the write-ahead log is read, and stays there.
#[tokio::test]
async fn a_log_that_is_only_read_is_not_folded_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let mut writer = support::child("appends_until_killed", &path, "").spawn().unwrap();
    let events = loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if let Ok(store) = read_only(&path).open().await
            && let Some(head) = store.head().await.unwrap().filter(|head| head.get() > 10)
        {
            // Appends of the other process are seen meanwhile.
            store.wait_past(Some(head)).await.unwrap();
            break head.get();
        }
    };
    writer.kill().unwrap();
    writer.wait().unwrap();
    let data = |suffix: &str| fs::read(format!("{}{suffix}", path.display())).unwrap();
    let before = (data(""), data("-wal"));
    let store = read_only(&path).open().await.unwrap();
    assert!(store.head().await.unwrap().unwrap().get() > events);
    store.close().await.unwrap();
    assert_eq!((data(""), data("-wal")), before);
}

#[tokio::test]
async fn a_log_that_is_only_read_is_neither_created_nor_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let error = read_only(&path).open().await.unwrap_err();
    assert!(matches!(cause(&error), Error::MissingFile { .. }), "{error:?}");
    fs::write(&path, "").unwrap();
    let error = read_only(&path).open().await.unwrap_err();
    assert!(matches!(cause(&error), Error::NotALog { .. }), "{error:?}");
    fs::copy("tests/fixtures/format-1.sqlite", &path).unwrap();
    let before = files(folder.path());
    let error = read_only(&path).upgrade(true).open().await.unwrap_err();
    assert!(matches!(cause(&error), Error::OlderFormat { .. }), "{error:?}");
    assert_eq!(files(folder.path())["log.db"], before["log.db"]);
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0"
}

/// A command that runs as a user who may not write to the files of this one.
fn as_another_user(command: &Command) -> Command {
    let mut other = Command::new("setpriv");
    if is_root() {
        other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    }
    other.arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        other.env(name, value.unwrap_or_default());
    }
    other
}

/// Runs a test of this binary as another user, on a log that this user owns and the other may only read.
async fn run_as_another_user(name: &str) {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![sold("a")], AppendCondition::None).await.unwrap();
    store.close().await.unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    run_child_as_another_user(name, &path);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

fn run_child_as_another_user(name: &str, path: &Path) {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The binary of the test may stand where only this user may go.
    let binary = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let child = support::child(name, path, "");
    let mut command = Command::new(&binary);
    command.args(child.get_args()).envs(child.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = as_another_user(&command).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{output:?}");
}

#[tokio::test]
async fn what_cannot_be_written_to_is_named() {
    run_as_another_user("is_told_what_it_cannot_write_to").await;
}

#[tokio::test]
#[ignore = "a child process of what_cannot_be_written_to_is_named"]
async fn is_told_what_it_cannot_write_to() {
    let (path, _) = support::task();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(cause(&error), Error::ReadOnly { .. }), "{error:?}");
    // A new file in a folder where none can be made.
    let error = SqliteStore::open(path.with_file_name("new.db")).await.unwrap_err();
    let folder = path.parent().unwrap();
    assert!(matches!(cause(&error), Error::ReadOnly { path } if path == folder), "{error:?}");
    assert!(error.to_string().starts_with(&folder.display().to_string()), "{error}");
}

#[tokio::test]
async fn a_log_may_be_read_where_nothing_can_be_written() {
    run_as_another_user("reads_a_log_of_another_user").await;
}

#[tokio::test]
#[ignore = "a child process of a_log_may_be_read_where_nothing_can_be_written"]
async fn reads_a_log_of_another_user() {
    let (path, _) = support::task();
    let store = Config::new(&path).read_only(true).open().await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
    store.close().await.unwrap();
    assert!(!Path::new(&format!("{}-wal", path.display())).exists());
}

/// The log and its folder may be written to, and what stands beside it belongs to another user.
#[tokio::test]
async fn a_side_file_of_another_user_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let _store = SqliteStore::open(&path).await.unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let shm = format!("{}-shm", path.display());
    // Its owner may write to it whoever the owner is, so the owner's own bits are taken as well.
    let mode = if is_root() { 0o600 } else { 0o400 };
    fs::set_permissions(&shm, fs::Permissions::from_mode(mode)).unwrap();
    fs::set_permissions(format!("{}-wal", path.display()), fs::Permissions::from_mode(0o666))
        .unwrap();
    run_child_as_another_user("is_told_of_the_side_file", &path);
}

#[tokio::test]
#[ignore = "a child process of a_side_file_of_another_user_is_named"]
async fn is_told_of_the_side_file() {
    let (path, _) = support::task();
    let error = SqliteStore::open(&path).await.unwrap_err();
    let Error::ReadOnly { path: told } = cause(&error) else { panic!("{error:?}") };
    assert!(told.to_string_lossy().ends_with("-shm"), "{error}");
}
