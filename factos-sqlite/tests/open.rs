//! Opening a log, and the errors that say why it cannot be opened.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, time::Duration};

use factos::{AppendCondition, EventStore, EventStoreExt, Query, StoreError, StoreErrorKind};
use factos_sqlite::{Config, Durability, Error, SqliteStore};
use rusqlite::Connection;
use support::{cause, sold};
use tempfile::TempDir;

async fn refused(path: impl AsRef<std::path::Path>) -> StoreError {
    let config = Config::new(path).busy_timeout(Duration::from_millis(100));
    config.open().await.expect_err("it was opened")
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_new_file_becomes_a_log_with_an_identity() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let id = store.log_id().to_owned();
    store.close().await.unwrap();
    assert_eq!(SqliteStore::open(&path).await.unwrap().log_id(), id);
    let other = SqliteStore::open(folder.path().join("other.db")).await.unwrap();
    assert_ne!(other.log_id(), id);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("notes.txt");
    let text = "Dear diary, ".repeat(500);
    fs::write(&path, &text).unwrap();
    let error = refused(&path).await;
    assert!(matches!(cause(&error), Error::NotADatabase { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    assert_eq!(error.to_string(), format!("{} is not a SQLite database", path.display()));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("shop.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE cart (id INTEGER)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(cause(&error), Error::NotALog { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Incompatible);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("log.db");
    SqliteStore::open(&path).await.unwrap().close().await.unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let before = fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(cause(&error), Error::NewerFormat { found: 7, known: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("its format is 7, this version knows 2"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_and_then_told() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let store = Config::new(&path).busy_timeout(Duration::from_millis(200)).open().await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = match store.append(vec![sold("1")], AppendCondition::None).await.unwrap_err() {
        factos::AppendError::Store(error) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    assert!(matches!(cause(&error), Error::Locked { waited, .. } if waited.as_millis() >= 200));
    // Reads go on meanwhile, and appends once the lock is released.
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_log_that_another_process_holds_exclusively_is_locked() {
    let folder = folder();
    let path = folder.path().join("log.db");
    SqliteStore::open(&path).await.unwrap().close().await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let error = refused(&path).await;
    assert!(matches!(cause(&error), Error::Locked { .. }), "{error:?}");
    assert_eq!(error.kind(), StoreErrorKind::Busy);
}

#[tokio::test]
async fn a_read_only_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("log.db");
    SqliteStore::open(&path).await.unwrap().close().await.unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let error = refused(&path).await;
    assert!(matches!(cause(&error), Error::ReadOnly { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "{} is read-only, or belongs to another user: give this one the right to write to the log, to the \
             files beside it and to the folder",
            path.display()
        )
    );
}

#[tokio::test]
async fn a_missing_folder_is_named_and_not_created() {
    let folder = folder();
    let path = folder.path().join("no/such/log.db");
    let error = refused(&path).await;
    assert!(matches!(cause(&error), Error::MissingFolder { .. }), "{error:?}");
    assert!(!folder.path().join("no").exists());
}

#[tokio::test]
async fn a_path_that_is_no_file_is_refused() {
    let folder = folder();
    for path in [folder.path().to_str().unwrap(), "", "a\0b"] {
        let error = refused(path).await;
        assert!(matches!(cause(&error), Error::NotAFile { .. }), "{path:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_missing_file_is_not_created_if_it_must_exist() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let error = Config::new(&path).create(false).open().await.unwrap_err();
    assert!(matches!(cause(&error), Error::MissingFile { .. }), "{error:?}");
    assert!(!path.exists());
}

#[tokio::test]
async fn an_empty_file_becomes_no_log_if_it_must_be_one() {
    let folder = folder();
    let path = folder.path().join("log.db");
    fs::write(&path, "").unwrap();
    let error = Config::new(&path).create(false).open().await.unwrap_err();
    assert!(matches!(cause(&error), Error::NotALog { .. }), "{error:?}");
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    SqliteStore::open(&path).await.unwrap();
}

/// The log that the version before wrote.
fn older_log(folder: &TempDir) -> std::path::PathBuf {
    let path = folder.path().join("log.db");
    fs::copy("tests/fixtures/format-1.sqlite", &path).unwrap();
    path
}

#[tokio::test]
async fn an_older_log_is_upgraded_if_asked_for() {
    let folder = folder();
    let path = older_log(&folder);
    let before = fs::read(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(cause(&error), Error::OlderFormat { found: 1, known: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("Config::upgrade(true)"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    for _ in 0..2 {
        let store = Config::new(&path).upgrade(true).open().await.unwrap();
        assert_eq!(store.log_id(), "01a220d9-33ca-72e5-8e0a-101881cdf1da");
        store.close().await.unwrap();
    }
    let store = SqliteStore::open(&path).await.unwrap();
    let page = store.read_all(&Query::all()).await.unwrap();
    let told: Vec<_> = page.iter().map(|r| (r.position.get(), r.revision)).collect();
    assert_eq!(told, [(1, None), (2, Some(0)), (3, Some(1))]);
    assert_eq!(page[0].event, "{\"n\":1}");
    let mut again = sold("1");
    again.id = page[2].id;
    let refused = store.append(vec![again], AppendCondition::None).await.unwrap_err();
    assert!(matches!(refused, factos::AppendError::DuplicateEventId(_)), "{refused:?}");
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let replaced = Connection::open(&path).unwrap().execute_batch(
        "REPLACE INTO event SELECT position, id, stream, revision, type, version, tags, metadata,
           recorded_at, x'00' FROM event",
    );
    assert!(replaced.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_log_is_upgraded_once_however_many_open_it() {
    let folder = folder();
    let path = older_log(&folder);
    let open = || tokio::spawn(Config::new(&path).upgrade(true).open());
    let opening: Vec<_> = (0..8).map(|_| open()).collect();
    for store in opening {
        store.await.unwrap().unwrap().append(vec![sold("1")], AppendCondition::None).await.unwrap();
    }
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 11);
}

/// What `.dump` of the command line tool writes of a log: the statements and the rows, and no marks.
fn dumped(from: &std::path::Path, to: &std::path::Path) {
    let (from, to) = (Connection::open(from).unwrap(), Connection::open(to).unwrap());
    let objects = |kind: &str| {
        let sql = "SELECT sql FROM sqlite_master WHERE type = ?1 AND sql IS NOT NULL";
        let mut statement = from.prepare(sql).unwrap();
        let rows = statement.query_map([kind], |row| row.get(0)).unwrap();
        rows.collect::<Result<Vec<String>, _>>().unwrap()
    };
    objects("table").iter().for_each(|sql| to.execute_batch(sql).unwrap());
    to.execute("ATTACH ?1 AS source", [from.path().unwrap()]).unwrap();
    for table in ["term", "event", "posting", "info"] {
        to.execute_batch(&format!("INSERT INTO {table} SELECT * FROM source.{table}")).unwrap();
    }
    for kind in ["index", "trigger", "view"] {
        objects(kind).iter().for_each(|sql| to.execute_batch(sql).unwrap());
    }
}

#[tokio::test]
async fn a_dumped_log_says_how_to_mend_it() {
    let folder = folder();
    let (path, older, copy) =
        (folder.path().join("new.db"), older_log(&folder), folder.path().join("copy.db"));
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    store.close().await.unwrap();
    for (log, events) in [(path, 1), (older, 3)] {
        dumped(&log, &copy);
        let error = refused(&copy).await;
        assert!(matches!(cause(&error), Error::NoMarks { .. }), "{error:?}");
        let told = error.to_string();
        let mend = &told[told.find("PRAGMA").unwrap()..];
        Connection::open(&copy).unwrap().execute_batch(mend).unwrap();
        let store = Config::new(&copy).upgrade(true).open().await.unwrap();
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), events);
        store.close().await.unwrap();
        fs::remove_file(&copy).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_event_is_named() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![sold("1"), sold("2")], AppendCondition::None).await.unwrap();
    drop(store);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DROP TRIGGER event_no_update; UPDATE event SET tags = 'b:1 a:1' WHERE position = 2;
             UPDATE event SET tags = char(10) WHERE position = 2",
        )
        .unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    let error = store.read_all(&Query::all()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert_eq!(error.to_string(), "the event at position 2 is damaged in its tags");
}

#[tokio::test]
async fn the_log_is_append_only_for_everybody() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let other = Connection::open(&path).unwrap();
    for sql in [
        "UPDATE event SET payload = x'00'",
        "INSERT OR REPLACE INTO event SELECT position, x'07', stream, revision, type, version, tags,
           metadata, recorded_at, payload FROM event",
        "REPLACE INTO event SELECT position + 1, id, stream, revision, type, version, tags, metadata,
           recorded_at, x'00' FROM event",
        "INSERT OR IGNORE INTO event SELECT * FROM event",
        "REPLACE INTO posting SELECT term, position, type + 1 FROM posting",
        "REPLACE INTO term SELECT id + 10, kind, name FROM term",
        "REPLACE INTO term SELECT id, kind, name || 'x' FROM term",
        "UPDATE OR REPLACE event SET position = 2",
        "INSERT INTO event SELECT 1, x'08', stream, revision, type, version, tags, metadata, recorded_at,
           payload FROM event",
        "DELETE FROM event",
        "UPDATE posting SET position = 7",
        "DELETE FROM posting",
        "UPDATE term SET name = 'show:2'",
        "DELETE FROM term",
    ] {
        let error = other.execute_batch(sql).expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    for sql in [
        "UPDATE info SET value = 'another'",
        "DELETE FROM info",
        "REPLACE INTO info VALUES ('log_id', 'another')",
    ] {
        let error = other.execute_batch(sql).expect_err(sql);
        assert!(error.to_string().contains("never changes"), "{sql}: {error}");
    }
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_view_shows_names_and_times_to_people() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    let other = Connection::open(&path).unwrap();
    let (name, tags, time): (String, String, String) = other
        .query_row("SELECT type, tags, recorded_at FROM event_view", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!((name.as_str(), tags.as_str()), ("TicketSold", "show:1"));
    assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
}

#[tokio::test]
async fn the_query_of_the_readme_shows_the_last_events_of_a_tag() {
    let text = include_str!("../README.md");
    let sql = text.split("```sql").nth(1).unwrap().split(';').next().unwrap();
    let folder = folder();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let seats = (0..12).map(|seat| {
        let mut event = sold("1");
        event.payload = format!("{{\"seat\": {seat}}}").into();
        event
    });
    store.append(seats.collect(), AppendCondition::None).await.unwrap();
    store.append(vec![sold("2")], AppendCondition::None).await.unwrap();
    let other = Connection::open(&path).unwrap();
    let mut statement = other.prepare(sql).unwrap();
    let seats: Vec<i64> =
        statement.query_map([], |row| row.get("seat")).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(seats, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
}

#[tokio::test]
async fn the_view_keeps_the_bytes_of_a_payload_that_is_no_text() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let mut event = sold("1");
    event.payload = b"\xff\x00".as_slice().into();
    store.append(vec![event], AppendCondition::None).await.unwrap();
    let other = Connection::open(&path).unwrap();
    let bytes: String =
        other.query_row("SELECT hex(payload) FROM event_view", [], |row| row.get(0)).unwrap();
    assert_eq!(bytes, "FF00");
}

#[tokio::test]
async fn less_durability_is_asked_for_by_name() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let config = Config::new(&path).durability(Durability::LoseLatestOnPowerCut);
    let store = config.open().await.unwrap();
    store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 1);
}

/// Again and again: a look at a file that another one is just making must not take it for something else.
#[tokio::test(flavor = "multi_thread")]
async fn many_open_a_new_file_at_once() {
    for _ in 0..60 {
        let folder = folder();
        let path = folder.path().join("log.db");
        let config = Config::new(&path).readers(1).busy_timeout(Duration::from_secs(60));
        let opening: Vec<_> = (0..16).map(|_| tokio::spawn(config.clone().open())).collect();
        let mut ids = std::collections::HashSet::new();
        for store in opening {
            ids.insert(store.await.unwrap().unwrap().log_id().to_owned());
        }
        assert_eq!(ids.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_first_openers_make_one_log() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let opening: Vec<_> = (0..8).map(|_| tokio::spawn(SqliteStore::open(path.clone()))).collect();
    let mut stores = Vec::new();
    for store in opening {
        stores.push(store.await.unwrap().unwrap());
    }
    for store in &stores {
        assert_eq!(store.log_id(), stores[0].log_id());
        store.append(vec![sold("1")], AppendCondition::None).await.unwrap();
    }
    assert_eq!(stores[0].read_all(&Query::all()).await.unwrap().len(), 8);
}
