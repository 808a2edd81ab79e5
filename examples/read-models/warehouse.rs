//! The domain: goods come in, and go out as long as there are any.

use std::collections::BTreeMap;

use factos::{Decider, Event, EventStore, EventStoreExt, QueryFor, ReadOptions, Retry, dispatch};

/// How many there are of each item.
pub(crate) type Counts = BTreeMap<String, i64>;

#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "warehouse.")]
pub(crate) enum Warehouse {
    Received {
        #[tag]
        item: String,
        count: u32,
    },
    Shipped {
        #[tag]
        item: String,
        count: u32,
    },
}

impl Warehouse {
    /// The item, and by how much its stock changes.
    pub(crate) fn change(&self) -> (&str, i64) {
        match self {
            Self::Received { item, count } => (item, i64::from(*count)),
            Self::Shipped { item, count } => (item, -i64::from(*count)),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    Receive { item: String, count: u32 },
    Ship { item: String, count: u32 },
}

#[derive(Debug, thiserror::Error)]
#[error("only {0} are left")]
pub(crate) struct OutOfStock(i64);

struct Keeper;

impl Decider for Keeper {
    type Command = Command;
    type Event = Warehouse;
    type State = i64;
    type Error = OutOfStock;

    fn initial(&self) -> i64 {
        0
    }

    fn evolve(&self, stock: i64, event: &Warehouse) -> i64 {
        stock + event.change().1
    }

    fn decide(&self, stock: &i64, command: &Command) -> Result<Vec<Warehouse>, OutOfStock> {
        match command {
            Command::Receive { item, count } => {
                Ok(vec![Warehouse::Received { item: item.clone(), count: *count }])
            }
            Command::Ship { count, .. } if i64::from(*count) > *stock => Err(OutOfStock(*stock)),
            Command::Ship { item, count } => {
                Ok(vec![Warehouse::Shipped { item: item.clone(), count: *count }])
            }
        }
    }

    fn context(&self, command: &Command) -> QueryFor<Warehouse> {
        let (Command::Receive { item, .. } | Command::Ship { item, .. }) = command;
        Warehouse::query().item(item).into()
    }
}

/// The command of this number: more comes in than goes out.
pub(crate) fn command(number: u64) -> Command {
    let item = format!("item-{}", number % 16);
    let count = u32::try_from(number % 7).unwrap_or_default() + 1;
    if number / 16 % 3 == 2 {
        Command::Ship { item, count: count * 2 }
    } else {
        Command::Receive { item, count }
    }
}

/// Runs a command. One that is refused changes nothing.
pub(crate) async fn run<S: EventStore>(store: &S, command: &Command) -> anyhow::Result<()> {
    match dispatch(store, &Keeper).retry(Retry::attempts(1000)).run(command).await {
        Ok(_) | Err(factos::Error::Domain(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The stock as a fold of the whole log tells it.
pub(crate) async fn fold<S: EventStore>(store: &S) -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    let mut events = store.events::<Warehouse>(Warehouse::query(), ReadOptions::all()).await?;
    while let Some(record) = events.next().await {
        let event = record?.event;
        let (item, change) = event.change();
        *counts.entry(item.to_owned()).or_default() += change;
    }
    Ok(counts)
}
