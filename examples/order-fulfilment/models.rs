//! The read models: a list of orders, and what is in stock, of which there are two versions.

use std::{error::Error, marker::PhantomData};

use factos::{QueryFor, Recorded};
use factos_consumer::{PartitionKey, Projection};
use factos_examples::tables::{Tables, Value};

use crate::shop::{Shop, ShopKind};

/// `serving` says which version of a model requests read.
pub(crate) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS orders (
      id TEXT PRIMARY KEY, customer TEXT NOT NULL, item TEXT NOT NULL, state TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS stock_1 (item TEXT PRIMARY KEY, available BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS stock_2 (
      item TEXT PRIMARY KEY, available BIGINT NOT NULL, received BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS serving (model TEXT PRIMARY KEY, version BIGINT NOT NULL);
    INSERT INTO serving VALUES ('stock', 1) ON CONFLICT DO NOTHING;";

/// What a request reads that asks for the stock.
pub(crate) const STOCK: &str = "
    SELECT item, CAST(available AS TEXT) FROM stock_1
      WHERE 1 = (SELECT version FROM serving WHERE model = 'stock')
    UNION ALL SELECT item, CAST(available AS TEXT) FROM stock_2
      WHERE 2 = (SELECT version FROM serving WHERE model = 'stock')";

/// Has requests read the second version.
pub(crate) const SERVE_STOCK_2: &str = "UPDATE serving SET version = 2 WHERE model = 'stock'";

/// Every order, with its state.
pub(crate) struct Orders<P>(PhantomData<fn() -> P>);

impl<P> Orders<P> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: Tables> Projection for Orders<P> {
    type Event = Shop;
    type Tx = P::Tx;
    type Error = Box<dyn Error + Send + Sync>;

    const NAME: &'static str = "orders";

    fn query(&self) -> QueryFor<Shop> {
        Shop::query().only([
            ShopKind::OrderPlaced,
            ShopKind::StockReserved,
            ShopKind::PaymentReceived,
            ShopKind::PaymentDeclined,
            ShopKind::OrderShipped,
            ShopKind::OrderCancelled,
        ])
    }

    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        record.event.order().map(PartitionKey::from)
    }

    async fn apply(&self, tx: &mut P::Tx, records: &[Recorded<Shop>]) -> Result<(), Self::Error> {
        for record in records {
            if let Shop::OrderPlaced { order, customer, item, .. } = &record.event {
                let values = [Value::Text(order), Value::Text(customer), Value::Text(item)];
                P::write(tx, "INSERT INTO orders VALUES ($1, $2, $3, 'placed')", &values).await?;
            } else if let (Some(order), Some(state)) = (record.event.order(), record.event.state())
            {
                let values = [Value::Text(state), Value::Text(order)];
                P::write(tx, "UPDATE orders SET state = $1 WHERE id = $2", &values).await?;
            }
        }
        Ok(())
    }
}

/// How much there is of each item. The second version also tells how much has ever come in.
pub(crate) struct Stock<P, const VERSION: u32>(PhantomData<fn() -> P>);

impl<P, const VERSION: u32> Stock<P, VERSION> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: Tables, const VERSION: u32> Projection for Stock<P, VERSION> {
    type Event = Shop;
    type Tx = P::Tx;
    type Error = Box<dyn Error + Send + Sync>;

    const NAME: &'static str = "stock";
    const VERSION: u32 = VERSION;

    fn query(&self) -> QueryFor<Shop> {
        Shop::query().only([
            ShopKind::GoodsReceived,
            ShopKind::StockReserved,
            ShopKind::OrderCancelled,
        ])
    }

    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        record.event.change().map(|(item, _)| PartitionKey::from(item))
    }

    async fn apply(&self, tx: &mut P::Tx, records: &[Recorded<Shop>]) -> Result<(), Self::Error> {
        for record in records {
            let Some((item, change)) = record.event.change() else { continue };
            let received = match record.event {
                Shop::GoodsReceived { .. } => change,
                _ => 0,
            };
            let values = [Value::Text(item), Value::Integer(change), Value::Integer(received)];
            match VERSION {
                1 => P::write(tx, CHANGE_1, &values[..2]).await?,
                _ => P::write(tx, CHANGE_2, &values).await?,
            }
        }
        Ok(())
    }
}

const CHANGE_1: &str = "INSERT INTO stock_1 VALUES ($1, $2)
    ON CONFLICT (item) DO UPDATE SET available = stock_1.available + excluded.available";
const CHANGE_2: &str = "INSERT INTO stock_2 VALUES ($1, $2, $3)
    ON CONFLICT (item) DO UPDATE SET available = stock_2.available + excluded.available,
      received = stock_2.received + excluded.received";
