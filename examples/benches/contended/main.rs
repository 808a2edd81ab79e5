//! Crowds whose dispatches meet on one boundary, or on boundaries that overlap, with turns and without them in the same
//! interleaved run.
//!
//! `cargo bench -p factos-examples --bench contended [-- REPEATS]` on SQLite; on PostgreSQL too where
//! `FACTOS_POSTGRES_URL` leads to one, as within `scripts/with-postgres`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use factos::{Dispatcher, EventStore};
use factos_examples::course_subscriptions::Enrolment;
use factos_postgres::{
    Config,
    sqlx::{AssertSqlSafe, postgres::PgPoolOptions, raw_sql},
};
use factos_sqlite::SqliteStore;
use tokio::task::JoinHandle;

mod buyers;
mod students;
mod without_turns;

use buyers::{Buyers, buy};
use students::{Students, subscribe};
use without_turns::WithoutTurns;

#[derive(Debug, Clone, Copy)]
enum Crowd {
    Buyers(Buyers),
    Students(Students),
}

const CROWDS: [Crowd; 8] = [
    Crowd::Buyers(Buyers { buyers: 300, seats: 1, is_heated: false }),
    Crowd::Buyers(Buyers { buyers: 300, seats: 1, is_heated: true }),
    Crowd::Buyers(Buyers { buyers: 256, seats: 256, is_heated: false }),
    Crowd::Students(Students { students: 256, courses: 1, is_together: false }),
    Crowd::Students(Students { students: 256, courses: 1, is_together: true }),
    Crowd::Students(Students { students: 256, courses: 16, is_together: false }),
    Crowd::Students(Students { students: 256, courses: 16, is_together: true }),
    Crowd::Students(Students { students: 256, courses: 256, is_together: false }),
];

struct Cell {
    crowd: Crowd,
    turns: &'static str,
    store: Arc<dyn EventStore>,
    seconds: Vec<f64>,
    attempts: Vec<u32>,
}

#[tokio::main]
async fn main() {
    let repeats = std::env::args().skip(1).find_map(|repeats| repeats.parse().ok()).unwrap_or(5);
    let folder = tempfile::tempdir().unwrap();
    compare("SQLite", &SqliteStore::open(folder.path().join("log.db")).await.unwrap(), repeats)
        .await;
    if let Ok(url) = std::env::var("FACTOS_POSTGRES_URL") {
        on_postgres(&url, repeats).await;
    }
}

async fn on_postgres(url: &str, repeats: usize) {
    let pool = PgPoolOptions::new().max_connections(64).connect(url).await.unwrap();
    let schema = format!("bench_contended_{}", std::process::id());
    let config = Config::new().schema(&schema).unwrap().create(true);
    compare("PostgreSQL", &config.open(pool.clone()).await.unwrap(), repeats).await;
    raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).execute(&pool).await.unwrap();
}

async fn compare<S: EventStore + Clone + 'static>(name: &str, store: &S, repeats: usize) {
    let mut cells = cells(store);
    for repeat in 0..repeats {
        for (number, cell) in cells.iter_mut().enumerate() {
            cell.measure(&format!("{repeat}-{number}")).await;
        }
    }
    println!("{name:<50}{:>10}{:>10}   medians of {repeats}", "seconds", "attempts");
    cells.iter_mut().for_each(Cell::print);
}

fn cells<S: EventStore + Clone + 'static>(store: &S) -> Vec<Cell> {
    let cell = |crowd, turns, store| {
        let (seconds, attempts) = (Vec::new(), Vec::new());
        Cell { crowd, turns, store, seconds, attempts }
    };
    let both = CROWDS.into_iter().map(|crowd| {
        let with = cell(crowd, "turns", Arc::new(store.clone()));
        [with, cell(crowd, "no turns", Arc::new(WithoutTurns(store.clone())))]
    });
    both.flatten().collect()
}

impl Cell {
    async fn measure(&mut self, place: &str) {
        let (seconds, attempts) = match self.crowd {
            Crowd::Buyers(crowd) => {
                let seats = crowd.seats + crowd.prepare(&*self.store, place).await;
                self.time(crowd.buyers, |store, attempts, _| {
                    let place = place.to_owned();
                    tokio::spawn(async move { buy(&*store, place, seats, &attempts).await })
                })
                .await
            }
            Crowd::Students(crowd) => {
                crowd.prepare(&*self.store, place).await;
                let school =
                    crowd.is_together.then(|| Dispatcher::new(Arc::clone(&self.store), Enrolment));
                self.time(crowd.students, |store, attempts, student| {
                    let (school, command) = (school.clone(), crowd.command(place, student));
                    tokio::spawn(async move {
                        subscribe(&*store, school.as_ref(), command, &attempts).await;
                    })
                })
                .await
            }
        };
        self.seconds.push(seconds);
        self.attempts.push(attempts);
    }

    /// Runs all at once. How many seconds and attempts it takes.
    async fn time(
        &self,
        all: usize,
        run: impl Fn(Arc<dyn EventStore>, Arc<AtomicU32>, usize) -> JoinHandle<()>,
    ) -> (f64, u32) {
        let (attempts, begun) = (Arc::new(AtomicU32::new(0)), Instant::now());
        let run = |n| run(Arc::clone(&self.store), Arc::clone(&attempts), n);
        for one in (0..all).map(run).collect::<Vec<_>>() {
            one.await.unwrap();
        }
        (begun.elapsed().as_secs_f64(), attempts.load(Ordering::Relaxed))
    }

    fn print(&mut self) {
        let crowd = match self.crowd {
            Crowd::Buyers(crowd) => crowd.name(),
            Crowd::Students(crowd) => crowd.name(),
        };
        let name = format!("{crowd}, {}", self.turns);
        self.seconds.sort_unstable_by(f64::total_cmp);
        self.attempts.sort_unstable();
        let middle = self.seconds.len() / 2;
        println!("{name:<50}{:>10.3}{:>10}", self.seconds[middle], self.attempts[middle]);
    }
}
