//! Compares everything with a fold of the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use factos::{EventStoreExt, ReadOptions, Recorded};
use factos_consumer::{DeliveryId, Reaction};
use factos_examples::tables::Database;

use crate::{
    effects::{Charge, Mail, Mails, Payments},
    models::STOCK,
    outside::received,
    shop::Shop,
};

type Rows = BTreeMap<String, String>;

/// What the log says, and what must have followed from it.
#[derive(Default)]
struct Fold {
    orders: Rows,
    stock: BTreeMap<String, i64>,
    payments: BTreeMap<String, String>,
    mails: BTreeMap<String, String>,
}

/// Prints what was compared, and fails if something differs.
pub(crate) async fn compare<P>(database: &Database<P>, folder: &Path) -> anyhow::Result<()> {
    let fold = fold(database).await?;
    let orders = rows(database, "SELECT id, state FROM orders").await?;
    anyhow::ensure!(orders == fold.orders, "the orders differ: {orders:?}, {:?}", fold.orders);
    let expected: Rows =
        fold.stock.iter().map(|(item, count)| (item.clone(), count.to_string())).collect();
    for stock in [STOCK, "SELECT item, CAST(available AS TEXT) FROM stock_1"] {
        let stock = rows(database, stock).await?;
        anyhow::ensure!(stock == expected, "the stock differs: {stock:?}, {expected:?}");
    }
    compare_effects(folder, "payments", &fold.payments)?;
    compare_effects(folder, "mails", &fold.mails)?;
    let of = |state| orders.values().filter(|found| *found == state).count();
    println!(
        "the read models equal a fold of the log: {} orders, {} shipped, {} cancelled; {} items",
        orders.len(),
        of("shipped"),
        of("cancelled"),
        expected.len(),
    );
    Ok(())
}

async fn fold<P>(database: &Database<P>) -> anyhow::Result<Fold> {
    let mut fold = Fold::default();
    let mut events = database.log.events::<Shop>(Shop::query(), ReadOptions::all()).await?;
    while let Some(record) = events.next().await {
        fold.add(&record?);
    }
    Ok(fold)
}

impl Fold {
    fn add(&mut self, record: &Recorded<Shop>) {
        if let (Some(order), Some(state)) = (record.event.order(), record.event.state()) {
            self.orders.insert(order.to_owned(), state.to_owned());
        }
        if let Some((item, change)) = record.event.change() {
            *self.stock.entry(item.to_owned()).or_default() += change;
        }
        add_effects(&mut self.payments, &Payments, record, |Charge(order)| order);
        let text = |Mail { to, text }| format!("{to}: {text}");
        add_effects(&mut self.mails, &Mails, record, text);
    }
}

fn add_effects<R: Reaction<Event = Shop>>(
    effects: &mut BTreeMap<String, String>,
    reaction: &R,
    record: &Recorded<Shop>,
    text: impl Fn(R::Effect) -> String,
) {
    for (index, effect) in (0..).zip(reaction.react(record)) {
        let id = DeliveryId { consumer: R::NAME.to_owned(), position: record.position, index };
        effects.insert(id.to_string(), text(effect));
    }
}

/// Every effect was received at least once, always under one id, and nothing else was received.
fn compare_effects(folder: &Path, name: &str, expected: &Rows) -> anyhow::Result<()> {
    let requests = received(folder, name)?;
    let told = requests.len();
    let distinct: BTreeSet<_> = requests.into_iter().collect();
    let expected: BTreeSet<_> = expected.clone().into_iter().collect();
    if let Some(missing) = expected.difference(&distinct).next() {
        anyhow::bail!("of {name}, {missing:?} was not received");
    }
    if let Some(other) = distinct.difference(&expected).next() {
        anyhow::bail!("of {name}, {other:?} was received, which no event has led to");
    }
    let repeats = told - distinct.len();
    println!(
        "{name}: {} received, {repeats} of them more than once, each under one id",
        distinct.len()
    );
    Ok(())
}

async fn rows<P>(database: &Database<P>, sql: &'static str) -> anyhow::Result<Rows> {
    let rows = database.reader.rows(sql, &[]).await?;
    let pairs = rows.into_iter().map(<[String; 2]>::try_from);
    let pairs = pairs.map(|pair| pair.map(|[key, value]| (key, value)));
    pairs.collect::<Result<_, _>>().map_err(|row| anyhow::anyhow!("{row:?} is no pair"))
}
