//! Leases beside transactions that take long.

use std::time::Duration;

use factos_consumer::port::{
    Beat, PartitionId, Port, PortError, Registration, Step, Succession, Token,
};
use factos_postgres::{
    PostgresConsumers,
    sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql},
};
use futures_util::future::join_all;

use crate::{
    LONG, Tables, lease, orders, partition, process, step,
    support::{in_time, until_blocked, url},
};

/// A transaction that has the row of a partition locked.
async fn locking(tables: &Tables, number: u32) -> PgConnection {
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    let sql = format!(
        "BEGIN; SELECT FROM \"{}\".factos_consumer_partition WHERE number = {number} FOR NO KEY UPDATE",
        tables.0.name
    );
    raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection
}

async fn run(connection: &mut PgConnection, tables: &Tables, sql: &str) {
    let sql = sql.replace("log.", &format!("\"{}\".", tables.0.name));
    raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

fn beat(held: &[(PartitionId, Token)], length: Duration) -> Beat {
    Beat { process: process("a"), serves: vec![orders()], held: held.to_vec(), lease: length }
}

/// In how long the lease of a partition runs out.
async fn free_in(port: &PostgresConsumers, number: usize) -> Duration {
    port.consumers().await.unwrap()[0].partitions[number].free_in
}

const WAIT: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_lease_that_was_waited_for_is_judged_and_counted_from_then_on() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, Duration::ZERO).await.token;
    // The lease has run out, and is renewed by whom the other one waits for.
    let mut holder = locking(&tables, 0).await;
    let renewed = async {
        tokio::time::sleep(WAIT).await;
        let renew = "UPDATE log.factos_consumer_partition
             SET leased_until = clock_timestamp() + interval '1 minute'; COMMIT";
        run(&mut holder, &tables, renew).await;
    };
    let (taken, _b) = (process("b"), partition(0));
    let (acquired, ()) = tokio::join!(port.acquire(&taken, &_b, LONG), renewed);
    assert_eq!(acquired.unwrap(), None);
    port.release(&partition(0), token).await.unwrap();

    // Nothing is changed meanwhile: the lease counts from when it is there.
    let mut holder = locking(&tables, 0).await;
    let ended = async {
        tokio::time::sleep(WAIT).await;
        // The row is free before the answer to this is here.
        let ended = std::time::Instant::now();
        run(&mut holder, &tables, "ROLLBACK").await;
        ended
    };
    let (acquired, ended) = tokio::join!(port.acquire(&taken, &_b, LONG), ended);
    acquired.unwrap().unwrap();
    let left = free_in(&port, 0).await;
    assert!(left + ended.elapsed() >= LONG, "{left:?} of {LONG:?}, {:?} later", ended.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_transaction_that_stands_still_holds_up_nobody_but_its_partition() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 2).await;
    let held = [
        (partition(0), lease(&port, "a", 0, Duration::ZERO).await.token),
        (partition(1), lease(&port, "a", 1, Duration::ZERO).await.token),
    ];
    let mut holder = locking(&tables, 0).await;
    assert!(
        in_time("acquire", port.acquire(&process("b"), &partition(0), LONG))
            .await
            .unwrap()
            .is_none()
    );
    let snapshot = in_time("a beat", port.beat(&beat(&held, LONG))).await.unwrap();
    assert_eq!(snapshot.lost, []);
    assert_eq!(free_in(&port, 0).await, Duration::ZERO);
    assert!(free_in(&port, 1).await > LONG / 2);
    assert_eq!(snapshot.processes.len(), 1);
    run(&mut holder, &tables, "ROLLBACK").await;
    port.beat(&beat(&held, LONG)).await.unwrap();
    assert!(free_in(&port, 0).await > LONG / 2);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_beat_beside_a_long_step_renews_its_lease_and_does_not_wait() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, Duration::ZERO).await.token;
    tables.run("CREATE TABLE log.gate (open bool)").await;
    let mut gate = PgConnection::connect(&url()).await.unwrap();
    run(&mut gate, &tables, "BEGIN; LOCK log.gate").await;
    let work = tables.work("SELECT FROM log.gate");
    let (stepping, stepped) = (port.clone(), step(0, token, 0, 5));
    let step = tokio::spawn(async move { stepping.commit(stepped, work).await });
    until_blocked(&format!("%\"{}\".gate%", tables.0.name)).await;
    let held = [(partition(0), token)];
    let snapshot = in_time("a beat", port.beat(&beat(&held, LONG))).await.unwrap();
    assert_eq!(snapshot.lost, []);
    assert!(!step.is_finished());
    run(&mut gate, &tables, "ROLLBACK").await;
    step.await.unwrap().unwrap();
    assert!(free_in(&port, 0).await > LONG / 2, "the step has renewed it");
}

/// A lease that a resize waits for runs out between two statements of the call.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn what_waits_for_a_lease_is_done_before_the_partition_is_granted_anew() {
    let tables = Tables::new().await;
    let port = tables.port().await;
    tables.register(&port, 2).await;
    let token = lease(&port, "a", 1, LONG).await.token;
    port.commit(step(1, token, 0, 5), None).await.unwrap();
    tables.register(&port, 1).await;
    let token = lease(&port, "a", 0, LONG).await.token;
    port.commit(step(0, token, 0, 5), None).await.unwrap();
    let mut holder = PgConnection::connect(&url()).await.unwrap();
    run(&mut holder, &tables, "BEGIN; SELECT FROM log.factos_consumer FOR UPDATE").await;
    let acquiring = tokio::spawn({
        let port = port.clone();
        async move { port.acquire(&process("b"), &partition(0), LONG).await.unwrap() }
    });
    until_blocked(&format!("SELECT f.format, c.state%\"{}\".factos_consumer%", tables.0.name))
        .await;
    let end = "UPDATE log.factos_consumer_partition SET leased_until = clock_timestamp(); COMMIT";
    run(&mut holder, &tables, end).await;
    let grant = match acquiring.await.unwrap() {
        Some(grant) => grant,
        // It has waited for the lock for too long.
        None => lease(&port, "b", 0, LONG).await,
    };
    assert_eq!((grant.partitions, grant.resize), (1, None), "{grant:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_lease_that_ran_out_is_renewed_or_granted_anew_and_never_both() {
    let tables = Tables::new().await;
    let (one, other) = (tables.port().await, tables.port().await);
    tables.register(&one, 1).await;
    let (mut renewed, mut granted) = (0, 0);
    for _ in 0..60 {
        let token = lease(&one, "a", 0, Duration::ZERO).await.token;
        let held = [(partition(0), token)];
        let (b, id, beat) = (process("b"), partition(0), beat(&held, LONG));
        let (snapshot, grant) = tokio::join!(one.beat(&beat), other.acquire(&b, &id, LONG));
        let (is_held, grant) = (snapshot.unwrap().lost.is_empty(), grant.unwrap());
        assert!(!(is_held && grant.is_some()), "the lease is two processes'");
        renewed += u32::from(is_held);
        granted += u32::from(grant.is_some());
        let token = grant.map_or(token, |grant| grant.token);
        one.release(&partition(0), token).await.unwrap();
    }
    println!("renewed {renewed} times, granted anew {granted} times");
}

/// Everything at once, by three handles: nothing locks in a circle.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn calls_wait_for_one_another_in_no_circle() {
    let tables = Tables::new().await;
    let ports = join_all((0..3).map(|_| tables.port())).await;
    ports[0].register(&taking_over(1, 2)).await.unwrap();
    let tasks = (0..12_u32).map(|task| {
        let port = ports[task as usize % 3].clone();
        tokio::spawn(async move {
            for turn in 0..25 {
                turn_of(&port, task, turn).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        in_time("all calls", task).await.unwrap();
    }
}

fn taking_over(version: u32, partitions: u32) -> Registration {
    let consumer = factos_consumer::port::ConsumerId::new("orders", version);
    Registration { consumer, partitions, succession: Succession::TakeOver, start: None }
}

/// One call of a task, which may be refused but loses against no other one.
async fn turn_of(port: &PostgresConsumers, task: u32, turn: u32) {
    use factos_consumer::port::{ConsumerId, Decision, Selection};
    let (id, name) = (partition(turn % 3), process(&format!("p{task}")));
    let version = |version| ConsumerId::new("orders", version);

    let outcome = match task {
        0 => port.register(&taking_over(1, 1 + turn % 3)).await.map(drop),
        1 => port.register(&taking_over(2, 2)).await.map(drop),
        2 => port.promote(&version(1 + turn % 2), None).await,
        3 => port.retire(&version(2)).await,
        4 => port.decide(&orders(), &Selection::All, &Decision::Skip("no".into())).await.map(drop),
        5 => port.decide(&orders(), &Selection::First(2), &Decision::Retry).await.map(drop),
        6 => port.leave(&process("p8")).await,
        _ => act(port, &id, &name, turn).await,
    };
    if let Err(PortError::Database(error)) = &outcome {
        panic!("{error:?}");
    }
}

/// Leases a partition, beats, parks and settles.
async fn act(
    port: &PostgresConsumers,
    id: &PartitionId,
    name: &factos_consumer::port::ProcessId,
    turn: u32,
) -> Result<(), PortError> {
    let Some(grant) = port.acquire(name, id, LONG).await? else {
        let beat = Beat {
            process: name.clone(),
            serves: vec![orders()],
            held: vec![],
            lease: Duration::ZERO,
        };
        return port.beat(&beat).await.map(drop);
    };
    let held = vec![(id.clone(), grant.token)];
    let beat = Beat { process: name.clone(), serves: vec![orders()], held, lease: LONG };
    port.beat(&beat).await?;
    let mut step = Step::new(id.clone(), grant.token);
    let at = u64::from(turn) + 1;
    step.park = vec![
        crate::parked(at, Some("key"), Some(Duration::ZERO)),
        crate::parked(at + 7, Some("other"), None),
    ];
    step.settle.push(factos_consumer::port::Settled::Done(crate::at(at + 3).unwrap()));
    port.commit(step, None).await?;
    port.release(id, grant.token).await
}
