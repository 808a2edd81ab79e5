//! A version that is built beside the live one, and the switch between them.

use std::time::Duration;

use factos_consumer::{
    Consumers, OnError, PromoteError,
    port::{ConsumerId, ConsumerState, Port, PortError},
};
use factos_memory::{MemoryConsumers, MemoryStore, MemoryTransaction};
use futures_util::{FutureExt, future::BoxFuture};

use crate::shop::{LONG, Orders, Run, Seen, order, until};

/// Which version's read model the application reads.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Read(u32);

type Outcome<'t> = BoxFuture<'t, Result<(), Box<dyn std::error::Error + Send + Sync>>>;

fn switch_to(version: u32) -> impl for<'t> FnOnce(&'t mut MemoryTransaction) -> Outcome<'t> + Send {
    move |tx| {
        async move {
            tx.model::<Read>().0 = version;
            Ok(())
        }
        .boxed()
    }
}

fn failing(tx: &mut MemoryTransaction) -> Outcome<'_> {
    tx.model::<Read>().0 = 9;
    async { Err("no".into()) }.boxed()
}

fn version(version: u32) -> ConsumerId {
    ConsumerId::new("orders", version)
}

fn consumers(store: &MemoryStore, port: &MemoryConsumers) -> Consumers<MemoryConsumers> {
    Consumers::new(store.clone(), port.clone())
        .project(Orders::<1>::default(), OnError::Stop)
        .lease(Duration::from_millis(200))
}

async fn states(port: &MemoryConsumers) -> Vec<(u32, ConsumerState)> {
    let rows = port.consumers().await.unwrap();
    rows.iter().map(|row| (row.consumer.version, row.state)).collect()
}

/// Waits until a version has come to the end of the log.
async fn caught_up(consumers: &Consumers<MemoryConsumers>, version: u32) {
    until(async || {
        let status = consumers.status().await.unwrap();
        let mut of_it = status.partitions.iter().filter(|it| it.consumer.version == version);
        of_it.clone().count() > 0 && of_it.all(|it| it.behind == 0)
    })
    .await;
}

#[tokio::test]
async fn a_version_is_rebuilt_beside_the_live_one_and_back_again() {
    use ConsumerState::{Beside, Live, Retired};
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    for number in 0..2_000 {
        order(&store, number % 10, number).await;
    }
    let first = Run::start(&consumers(&store, &port));
    caught_up(&consumers(&store, &port), 1).await;
    let both = consumers(&store, &port).project(Orders::<2>::default(), OnError::Stop);
    let second = Run::start(&both);
    caught_up(&both, 2).await;
    assert_eq!(states(&port).await, [(1, Live), (2, Beside)]);

    // A switch that fails changes nothing.
    let error = both.promote(&version(2), failing).await.unwrap_err();
    assert!(matches!(error, PromoteError::Port(PortError::Work(_))), "{error:?}");
    assert_eq!(
        (states(&port).await, port.model::<Read>().await),
        (vec![(1, Live), (2, Beside)], Read(0))
    );

    both.promote(&version(2), switch_to(2)).await.unwrap();
    assert_eq!(
        (states(&port).await, port.model::<Read>().await),
        (vec![(1, Beside), (2, Live)], Read(2))
    );
    // Both go on, so that it can be switched back.
    let last = order(&store, 1, 2_000).await;
    both.wait_for("orders", last, LONG).await.unwrap();
    caught_up(&both, 1).await;
    both.promote(&version(1), switch_to(1)).await.unwrap();
    assert_eq!(
        (states(&port).await, port.model::<Read>().await),
        (vec![(1, Live), (2, Beside)], Read(1))
    );

    both.promote(&version(2), switch_to(2)).await.unwrap();
    let error = both.retire(&version(2)).await.unwrap_err();
    assert!(matches!(error, PortError::IsLive(_)), "{error:?}");
    both.retire(&version(1)).await.unwrap();
    assert_eq!(states(&port).await, [(1, Retired), (2, Live)]);
    let error = both.promote(&version(1), switch_to(1)).await.unwrap_err();
    assert!(matches!(error, PromoteError::Port(PortError::IsRetired(_))), "{error:?}");
    first.stop().await.unwrap();
    second.stop().await.unwrap();
    port.model::<Seen<1>>().await.assert_exact(1..=2_001);
    port.model::<Seen<2>>().await.assert_exact(1..=2_001);
}

#[tokio::test]
async fn a_version_that_is_far_behind_is_not_promoted() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    for number in 0..20 {
        order(&store, number, number).await;
    }
    let run = Run::start(&consumers(&store, &port));
    caught_up(&consumers(&store, &port), 1).await;
    run.stop().await.unwrap();
    let none = consumers(&store, &port).project(Orders::<2>::default(), OnError::Stop);
    let none = none.rebuilds_at_once(0).promotable_within(19);
    let run = Run::start(&none);
    until(async || states(&port).await.len() == 2).await;
    let error = none.promote(&version(2), switch_to(2)).await.unwrap_err();
    let PromoteError::Behind { behind: 20, .. } = error else { panic!("{error:?}") };
    assert!(matches!(
        none.promote(&version(3), switch_to(3)).await,
        Err(PromoteError::Port(PortError::Unknown(_)))
    ));
    none.clone().promotable_within(20).promote(&version(2), switch_to(2)).await.unwrap();
    caught_up(&none, 2).await;
    run.stop().await.unwrap();
    port.model::<Seen<2>>().await.assert_exact(1..=20);
}

#[tokio::test]
async fn an_empty_log_and_a_consumer_that_never_ran_are_rebuilt_twice() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    let all = consumers(&store, &port)
        .project(Orders::<2>::default(), OnError::Stop)
        .project(Orders::<3>::default(), OnError::Stop)
        .rebuilds_at_once(1);
    // Nothing ever runs while the versions are switched.
    for number in 1..=3 {
        let run = Run::start(&all);
        until(async || states(&port).await.len() == 3).await;
        run.kill().await;
        all.promote(&version(number), switch_to(number)).await.unwrap();
    }
    let run = Run::start(&all);
    let last = order(&store, 1, 1).await;
    all.wait_for("orders", last, LONG).await.unwrap();
    caught_up(&all, 1).await;
    caught_up(&all, 2).await;
    run.stop().await.unwrap();
    port.model::<Seen<1>>().await.assert_exact(1..=1);
    port.model::<Seen<2>>().await.assert_exact(1..=1);
    port.model::<Seen<3>>().await.assert_exact(1..=1);
}

#[tokio::test]
async fn one_version_is_rebuilt_after_the_other() {
    let (store, port) = (MemoryStore::new(), MemoryConsumers::new());
    order(&store, 1, 1).await;
    let run = Run::start(&consumers(&store, &port));
    caught_up(&consumers(&store, &port), 1).await;
    run.stop().await.unwrap();
    let all = consumers(&store, &port)
        .project(Orders::<2>::default(), OnError::Stop)
        .project(Orders::<3>::default(), OnError::Stop)
        .rebuilds_at_once(1);
    let run = Run::start(&all);
    caught_up(&all, 2).await;
    assert_eq!(port.model::<Seen<3>>().await, Seen::default());
    all.promote(&version(2), switch_to(2)).await.unwrap();
    caught_up(&all, 3).await;
    run.stop().await.unwrap();
    port.model::<Seen<3>>().await.assert_exact(1..=1);
}
