//! What calls cost where 100,000 events are parked, in steps of SQLite's machine.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use factos::{Anchor, EventId, SequencePosition};
use factos_consumer::port::{
    Advance, Beat, ConsumerId, Decision, Failure, NewParked, ParkedQuery, PartitionId, ProcessId,
    Registration, Selection, Settled, Step, Succession, Token,
};
use rusqlite::{Connection, params};

use super::{schema, tables::Tables};

const EVENTS: u32 = 100_000;
const HOUR: i64 = 3_600_000;

/// In a row: how many events it is about.
const ONE: u64 = 1;

struct Parked {
    connection: Connection,
    id: ConsumerId,
    token: Token,
    steps: Arc<AtomicU64>,
}

impl Parked {
    /// That many events of a consumer are parked: those with `key` and `retry_in`, SQL over their `number`, and with
    /// `waits` as is right then.
    fn new(key: &str, retry_in: &str, waits: &str) -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.set_prepared_statement_cache_capacity(256);
        schema::migrate(&connection, Path::new("memory")).unwrap();
        let id = ConsumerId::new("orders", 1);
        let (consumer, succession) = (id.clone(), Succession::Rebuild);
        let registration = Registration { consumer, partitions: 4, succession, start: None };
        let tables = Tables::open(&connection, Path::new("memory")).unwrap();
        tables.register(&registration).unwrap();
        let process = ProcessId("a".to_owned());
        let partition = PartitionId { consumer: id.clone(), number: 0 };
        let grant = tables.acquire(&process, &partition, HOUR).unwrap().unwrap();
        let sql = format!(
            "WITH RECURSIVE numbers (number) AS \
               (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {EVENTS}) \
             INSERT INTO factos_consumer_parked \
               (name, version, position, effect, key, slot, attempts, reason, retry_at, waits) \
             SELECT 'orders', 1, number, 0, {key}, number, 1, 'no such customer', \
               unixepoch() * 1000 + {retry_in}, {waits} FROM numbers"
        );
        connection.execute(&sql, []).unwrap();
        let token = grant.token;
        let steps = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&steps);
        let count = move || {
            counted.fetch_add(10, Ordering::Relaxed);
            false
        };
        drop(connection.progress_handler(10, Some(count)));
        Self { connection, id, token, steps }
    }

    fn partition(&self) -> PartitionId {
        PartitionId { consumer: self.id.clone(), number: 0 }
    }

    fn due(&self) -> ParkedQuery {
        ParkedQuery::Due { partition: self.partition(), partitions: 4 }
    }

    /// What a call returns, and how many steps it takes at the most.
    #[track_caller]
    fn within<T>(&self, most: u64, call: impl FnOnce(&Tables<'_>) -> T) -> T {
        let before = self.steps.load(Ordering::Relaxed);
        let outcome = call(&Tables::open(&self.connection, Path::new("memory")).unwrap());
        let taken = self.steps.load(Ordering::Relaxed) - before;
        assert!(taken <= most, "{taken} steps, {most} at the most");
        outcome
    }

    #[track_caller]
    fn commit(&self, most: u64, change: impl FnOnce(&mut Step)) {
        let mut step = Step::new(self.partition(), self.token);
        change(&mut step);
        self.within(most, |tables| {
            tables.check_step(&step).unwrap();
            tables.keep_step(&step).unwrap();
        });
    }

    /// Whether each event waits that has an earlier one of its key, and no other.
    fn assert_right(&self) {
        let sql = "SELECT position, waits FROM factos_consumer_parked p WHERE skipped IS NULL AND waits <> \
             (key IS NOT NULL AND EXISTS (SELECT * FROM factos_consumer_parked e \
               WHERE e.key = p.key AND e.skipped IS NULL AND e.position < p.position))";
        let mut wrong = self.connection.prepare(sql).unwrap();
        let mut wrong = wrong.query([]).unwrap();
        assert!(wrong.next().unwrap().is_none(), "an event waits for none, or does not wait");
    }
}

fn at(position: u64) -> SequencePosition {
    SequencePosition::new(position).unwrap()
}

fn beat() -> Beat {
    let (process, serves) = (ProcessId("a".to_owned()), vec![ConsumerId::new("orders", 1)]);
    Beat { process, serves, held: Vec::new(), lease: Duration::from_secs(30) }
}

fn event(position: u64, key: Option<&str>) -> NewParked {
    let failure = Failure { attempts: 1, reason: "no".to_owned(), retry_in: Some(Duration::ZERO) };
    NewParked { position: at(position), index: 0, key: key.map(str::to_owned), slot: 0, failure }
}

/// What no call looks through is of no cost.
const FEW: u64 = 5_000;

#[test]
fn what_waits_behind_one_event_is_not_looked_through() {
    let parked = Parked::new("'x'", &HOUR.to_string(), "number > 1");
    assert_eq!(parked.within(FEW, |tables| tables.parked(&parked.due(), 64)).unwrap(), []);
    let snapshot = parked.within(FEW, |tables| tables.beat(&beat())).unwrap();
    assert!(snapshot.consumers[0].retry_in.is_some_and(|pause| pause > Duration::from_secs(3_000)));
    let (process, other) = (ProcessId("a".to_owned()), 1);
    let partition = PartitionId { number: other, ..parked.partition() };
    let grant = parked.within(FEW, |tables| tables.acquire(&process, &partition, HOUR)).unwrap();
    assert_eq!(grant.unwrap().blocked, ["x"]);
    let of_key = ParkedQuery::OfKey { consumer: parked.id.clone(), key: "x".to_owned() };
    let first = parked.within(FEW, |tables| tables.parked(&of_key, 1)).unwrap();
    assert_eq!(first[0].position, at(1));
    parked.commit(FEW, |step| step.park.push(event(200_000, Some("x"))));
    parked.commit(FEW, |step| step.settle.push(Settled::Done(at(1))));
    let skip = Decision::Skip("enough".to_owned());
    for (selection, count) in [(Selection::At(at(2)), ONE), (Selection::First(3), 3)] {
        let decided = parked.within(FEW, |tables| tables.decide(&parked.id, &selection, &skip));
        assert_eq!(decided.unwrap(), count);
    }
    let first = parked.within(FEW, |tables| tables.parked(&of_key, 1)).unwrap();
    assert_eq!(first[0].position, at(6));
    let none = Selection::OfKey("y".to_owned());
    let retried = parked.within(FEW, |tables| tables.decide(&parked.id, &none, &Decision::Retry));
    assert_eq!(retried.unwrap(), 0);
}

#[test]
fn keys_that_are_not_due_are_not_looked_through() {
    let parked =
        Parked::new("number", "CASE WHEN number > 99990 THEN 0 ELSE 3600000 + number END", "0");
    let due = parked.within(FEW, |tables| tables.parked(&parked.due(), 64)).unwrap();
    assert_eq!(
        due.iter().map(|due| due.position.get()).collect::<Vec<_>>(),
        [99_992, 99_996, 100_000]
    );
    parked.within(FEW, |tables| tables.beat(&beat())).unwrap();
    let after = SequencePosition::new(50_000);
    let listed = ParkedQuery::Listed { consumer: parked.id.clone(), after };
    let listed = parked.within(FEW, |tables| tables.parked(&listed, 10)).unwrap();
    assert_eq!((listed.len(), listed[0].position), (10, at(50_001)));
    parked.commit(FEW, |step| {
        step.settle.extend([Settled::Done(at(99_992)), Settled::Done(at(7))]);
        step.park.push(event(8, Some("8")));
        let to = Anchor::new("log", at(9), EventId::new());
        step.advance = Some(Advance { from: None, to });
    });
    let selection = Selection::OfKey("9".to_owned());
    let retried =
        parked.within(FEW, |tables| tables.decide(&parked.id, &selection, &Decision::Retry));
    assert_eq!(retried.unwrap(), 1);
}

#[test]
fn of_many_that_are_due_the_first_are_found_at_once() {
    let parked = Parked::new("NULL", "0 - number", "0");
    // One look at a thousand of them tells that they are many.
    let due = parked.within(4 * FEW, |tables| tables.parked(&parked.due(), 64)).unwrap();
    assert_eq!((due.len(), due[0].position, due[63].position), (64, at(4), at(256)));
    let skip = Decision::Skip("enough".to_owned());
    let first = Selection::First(10);
    assert_eq!(parked.within(FEW, |t| t.decide(&parked.id, &first, &skip)).unwrap(), 10);
    // Each of these is counted, in an index alone.
    let count = parked.within(10 * u64::from(EVENTS), |t| t.count_parked(&parked.id)).unwrap();
    assert_eq!((count.waiting, count.dead, count.skipped), (99_990, 0, 10));
}

#[test]
fn no_statement_reads_a_table_from_its_beginning() {
    let parked = Parked::new("number", "0", "0");
    for sql in
        super::parked::statements().into_iter().chain(super::step::STATEMENTS.map(str::to_owned))
    {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let mut plan = parked.connection.prepare(&explain).unwrap();
        // Whatever the parameters are.
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let detail: String = row.get(3).unwrap();
            assert!(!detail.starts_with("SCAN factos"), "{detail} in {sql}");
        }
    }
}

/// Whatever becomes of events, in whatever order, the first one of each key is known.
#[test]
fn the_first_event_of_a_key_is_known() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    println!("seed {seed}");
    let parked = Parked::new("NULL", "0", "0");
    parked.connection.execute("DELETE FROM factos_consumer_parked", []).unwrap();
    let keys = ["x", "y", "z"];
    for _ in 0..2_000 {
        let position = random.u64(1..40);
        let key = random.choice(keys);
        match random.u8(0..10) {
            0..5 => parked.commit(u64::MAX, |step| step.park.push(event(position, key))),
            5..8 => parked.commit(u64::MAX, |step| step.settle.push(Settled::Done(at(position)))),
            n => {
                let selection = match (n, random.u8(0..8)) {
                    (_, 0) => Selection::All,
                    (_, 1) => Selection::OfKey("x".to_owned()),
                    (8, _) => Selection::At(at(position)),
                    _ => Selection::First(random.u32(0..4)),
                };
                let skip = Decision::Skip("enough".to_owned());
                parked.within(u64::MAX, |t| t.decide(&parked.id, &selection, &skip)).unwrap();
            }
        }
        parked.assert_right();
    }
    let params = params![parked.id.name, parked.id.version];
    let sql = "SELECT count(*) FROM factos_consumer_parked WHERE name = ?1 AND version = ?2";
    assert!(parked.connection.query_row(sql, params, |row| row.get::<_, u32>(0)).unwrap() > 0);
}
