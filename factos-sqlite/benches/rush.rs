//! Commands on one boundary and on many through a `Dispatcher`, beside appends that need no decision and a bare
//! INSERT + COMMIT in the same interleaved run.
//!
//! `cargo bench -p factos-sqlite --bench rush [-- REPEATS]`

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use factos::{
    AppendCondition, Decider, Dispatcher, Event, EventId, EventStore, QueryFor, Retry, encode,
};
use factos_sqlite::SqliteStore;
use rusqlite::Connection;

const SLICE: Duration = Duration::from_millis(700);

#[derive(Debug, Clone, PartialEq, Eq, Event)]
enum Sale {
    Sold {
        #[tag]
        show: String,
        buyer: String,
        note: String,
    },
}

fn sold(show: &str) -> Sale {
    Sale::Sold { show: show.to_owned(), buyer: "somebody".to_owned(), note: "x".repeat(140) }
}

struct Office;

impl Decider for Office {
    type Command = String;
    type Event = Sale;
    type State = u64;
    type Error = ();

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, sold: u64, _: &Sale) -> u64 {
        sold + 1
    }

    fn decide(&self, _: &u64, show: &String) -> Result<Vec<Sale>, ()> {
        Ok(vec![sold(show)])
    }

    fn context(&self, show: &String) -> QueryFor<Sale> {
        Sale::query().show(show).into()
    }
}

type Shared = Dispatcher<SqliteStore, Office>;

fn main() {
    let repeats = std::env::args().skip(1).find_map(|repeats| repeats.parse().ok()).unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("log.db")).await.unwrap();
        let dispatcher = Dispatcher::new(store.clone(), Office).retry(Retry::attempts(u32::MAX));
        for (entity, events) in (0..640).map(|n| (n, 10)).chain([(640, 10_000)]) {
            let batch = (0..events).map(|_| encode(&sold(&entity_name(entity))).unwrap());
            store.append(batch.collect(), AppendCondition::None).await.unwrap();
        }
        let mut cells: Vec<(String, Vec<f64>)> = Vec::new();
        let mut latest = BTreeMap::<_, Vec<f64>>::new();
        for repeat in 0..repeats {
            let mut add = |name: String, figure: f64| match cells
                .iter_mut()
                .find(|(known, _)| *known == name)
            {
                Some((_, figures)) => figures.push(figure),
                None => cells.push((name, vec![figure])),
            };
            add("bare INSERT + COMMIT".to_owned(), bare_inserts(&folder.path().join("bare.db")));
            for clients in [1, 8, 64] {
                let (own, late) = disjoint(&store, clients, repeat).await;
                add(format!("{clients:>2} clients, boundaries of their own, appends"), own);
                latest.entry(clients).or_default().push(late);
                let hot = format!("hot-{repeat}-{clients}");
                let one = through(&dispatcher, clients, false, move |_, _| hot.clone()).await;
                add(format!("{clients:>2} clients, one boundary, dispatcher"), one);
                let many = move |client: usize, n: usize| entity_name((client + n * clients) % 640);
                let warm = through(&dispatcher, clients, false, many).await;
                add(format!("{clients:>2} clients, boundaries of 10, dispatcher"), warm);
                let keyed = through(&dispatcher, clients, true, many).await;
                add(format!("{clients:>2} clients, boundaries of 10, dispatcher, new keys"), keyed);
            }
            let large = through(&dispatcher, 1, false, |_, _| entity_name(640)).await;
            add(" 1 clients, boundary of 10,000, dispatcher".to_owned(), large);
        }
        println!("{:<52}{:>12}{:>10}", "accepted per second, medians", "per second", "of bare");
        let bare = median(&cells[0].1);
        for (name, figures) in &cells {
            let figure = median(figures);
            println!("{name:<52}{figure:>12.0}{:>10.2}", figure / bare);
        }
        for (clients, milliseconds) in &latest {
            println!("p99 of an append of {clients} clients: {:.1} ms", median(milliseconds));
        }
    });
}

fn entity_name(entity: usize) -> String {
    format!("entity-{entity}")
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// What so many clients get done in a second.
async fn measured<F>(clients: usize, client: impl Fn(usize, Instant) -> F) -> f64
where
    F: Future<Output = usize> + Send + 'static,
{
    let begun = Instant::now();
    let tasks: Vec<_> = (0..clients).map(|n| tokio::spawn(client(n, begun))).collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let done = done as f64;
    done / begun.elapsed().as_secs_f64()
}

/// Commands, each with an idempotency key that is new, or without.
async fn through(
    dispatcher: &Shared,
    clients: usize,
    are_keyed: bool,
    show: impl Fn(usize, usize) -> String + Clone + Send + 'static,
) -> f64 {
    measured(clients, |client, begun| {
        let (dispatcher, show) = (dispatcher.clone(), show.clone());
        async move {
            let mut done = 0;
            while begun.elapsed() < SLICE {
                let dispatch = match are_keyed {
                    true => dispatcher.dispatch().idempotency_key(EventId::new().to_string()),
                    false => dispatcher.dispatch(),
                };
                dispatch.run(show(client, done)).await.unwrap();
                done += 1;
            }
            done
        }
    })
    .await
}

/// Conditional appends, each client on a boundary of its own, `after` its last position; with how many milliseconds 99 of 100
/// take at most.
async fn disjoint(store: &SqliteStore, clients: usize, repeat: usize) -> (f64, f64) {
    let (office, times) = (Arc::new(Office), Arc::new(Mutex::new(Vec::new())));
    let rate = measured(clients, |client, begun| {
        let (store, office, all) = (store.clone(), Arc::clone(&office), Arc::clone(&times));
        let show = format!("own-{repeat}-{clients}-{client}");
        async move {
            let query = office.context(&show).into_query().unwrap();
            let (mut after, mut times) = (None, Vec::new());
            while begun.elapsed() < SLICE {
                let condition = AppendCondition::fail_if_events_match(query.clone()).after(after);
                let batch = vec![encode(&sold(&show)).unwrap()];
                let sent = Instant::now();
                after = store.append(batch, condition).await.unwrap().last().map(|r| r.position);
                times.push(sent.elapsed().as_secs_f64() * 1e3);
            }
            let done = times.len();
            all.lock().unwrap().append(&mut times);
            done
        }
    });
    let rate = rate.await;
    let mut times = times.lock().unwrap();
    times.sort_unstable_by(f64::total_cmp);
    (rate, times[times.len() * 99 / 100])
}

/// INSERT + COMMIT of a row as long, without index, tags or checks, on this thread, same pragmas.
fn bare_inserts(path: &Path) -> f64 {
    let connection = Connection::open(path).unwrap();
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;
        PRAGMA cache_size = -16384;
        CREATE TABLE IF NOT EXISTS event (
            position INTEGER PRIMARY KEY, id BLOB NOT NULL, tags TEXT NOT NULL, payload BLOB NOT NULL
        ) STRICT;";
    connection.execute_batch(settings).unwrap();
    let insert = "INSERT INTO event VALUES (NULL, ?1, ?2, ?3)";
    let mut insert = connection.prepare(insert).unwrap();
    let payload = encode(&sold("entity-1")).unwrap().payload;
    let (mut done, begun) = (0, Instant::now());
    while begun.elapsed() < SLICE {
        insert.execute((EventId::new().to_bytes(), "show:entity-1", &*payload)).unwrap();
        done += 1;
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}
