//! What each process does.

use std::{io::Read, path::Path, sync::Arc, time::Duration};

use factos::{AppendCondition, EventStore, Retry, dispatch, encode};
use factos_consumer::{Attempts, Consumers, OnError, Options};
use factos_examples::tables::{Database, Tables};
use tokio::sync::oneshot;

use crate::{
    effects::{Cashier, Desk, Fulfilment, Mailer, Mails, Payments},
    models::{Orders, Stock},
    outside::{MailServer, PaymentProvider},
    shop::{Command, OrderDesk, Shop},
};

/// For how long nobody goes on after a worker was killed.
pub(crate) const LEASE: Duration = Duration::from_millis(800);

/// Many enough to be spread over the workers.
const PARTITIONS: u32 = 2;

/// How many items there are, and how many of them are ordered.
pub(crate) const ITEMS: u64 = 250;
const ORDERED_ITEMS: u64 = 4;

const CUSTOMERS: [&str; 5] = ["ann", "bob", "eve", "joe", crate::outside::AWAY];

/// The consumers of a release. The second one brings another version of the stock.
pub(crate) fn consumers<P: Tables>(
    database: &Database<P>,
    folder: &Path,
    release: u32,
) -> anyhow::Result<Consumers<P>> {
    let attempts = Attempts {
        most: 8,
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_secs(1),
    };
    let park = Options::new(OnError::ParkKey).attempts(attempts);
    let desk = || Desk(Arc::clone(&database.log));
    let cashier = Cashier { provider: PaymentProvider::open(folder)?, desk: desk() };
    let mailer = Mailer(MailServer::open(folder)?);
    let consumers = Consumers::new(Arc::clone(&database.log), database.port.clone())
        .project(Orders::<P>::new(), OnError::Stop)
        .project(Stock::<P, 1>::new(), OnError::Stop)
        .react(Fulfilment, desk(), OnError::Stop)
        .react(Payments, cashier, park.clone())
        .react(Mails, mailer, park)
        .partitions(PARTITIONS)
        .lease(LEASE);
    Ok(match release {
        1 => consumers,
        _ => consumers.project(Stock::<P, 2>::new(), OnError::Stop),
    })
}

/// Runs the consumers until the process that has started this one ends, or says so.
pub(crate) async fn work<P: Tables>(
    database: &Database<P>,
    folder: &Path,
    release: u32,
) -> anyhow::Result<()> {
    let (ended, end) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        // Nothing is ever written to it: it is closed.
        drop(std::io::stdin().read(&mut [0]));
        drop(ended);
    });
    let shutdown = async { drop(end.await) };
    Ok(consumers(database, folder, release)?.run_until(shutdown).await?)
}

/// Places orders.
pub(crate) async fn place_orders<P>(database: &Database<P>, orders: u64) -> anyhow::Result<()> {
    for number in 1..=orders {
        let customer = CUSTOMERS[usize::try_from(number)? % CUSTOMERS.len()].to_owned();
        let item = item(number % ORDERED_ITEMS);
        let count = u32::try_from(number % 3)? + 1;
        let order = format!("order-{number}");
        let attempt = dispatch(&database.log, &OrderDesk).retry(Retry::attempts(100));
        let command = Command::Place { order: order.clone(), customer, item, count };
        attempt.idempotency_key(order).run(&command).await?;
    }
    Ok(())
}

/// Fills the shelves, each item in turn.
pub(crate) async fn receive_goods<P>(database: &Database<P>, goods: u64) -> anyhow::Result<()> {
    const BATCH: usize = 500;
    let numbers: Vec<_> = (0..goods).collect();
    for numbers in numbers.chunks(BATCH) {
        let received = numbers
            .iter()
            .map(|number| encode(&Shop::GoodsReceived { item: item(number % ITEMS), count: 1 }));
        let batch = received.collect::<Result<_, _>>()?;
        database.log.append(batch, AppendCondition::None).await?;
    }
    Ok(())
}

fn item(number: u64) -> String {
    format!("item-{number}")
}
