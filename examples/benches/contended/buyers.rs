use std::sync::atomic::{AtomicU32, Ordering};

use factos::{
    AppendCondition, Decider, Error, Event, EventStore, NewEvent, QueryFor, Retry, dispatch, encode,
};

/// Buyers who all come at once for the seats of a show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buyers {
    pub(crate) buyers: usize,
    pub(crate) seats: u64,
    /// Whether appends to the show have conflicted just before.
    pub(crate) is_heated: bool,
}

#[derive(Debug, Clone, Event)]
enum Sale {
    #[event(name = "SeatSold")]
    Sold {
        #[tag]
        show: String,
    },
}

struct Office(u64);

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

    fn decide(&self, sold: &u64, show: &String) -> Result<Vec<Sale>, ()> {
        if *sold < self.0 { Ok(vec![Sale::Sold { show: show.clone() }]) } else { Err(()) }
    }

    fn context(&self, show: &String) -> QueryFor<Sale> {
        Sale::query().show(show).into()
    }
}

impl Buyers {
    pub(crate) fn name(self) -> String {
        let heated = if self.is_heated { ", heated" } else { "" };
        format!("{} buyers, seats: {}{heated}", self.buyers, self.seats)
    }

    /// Has an append conflict on the boundary, if it is to be heated. How many seats that took.
    pub(crate) async fn prepare(self, store: &dyn EventStore, show: &str) -> u64 {
        if !self.is_heated {
            return 0;
        }
        let query: QueryFor<Sale> = Sale::query().show(show).into();
        let unsold = AppendCondition::fail_if_events_match(query.into_query().unwrap());
        store.append(sold(show), AppendCondition::None).await.unwrap();
        store.append(sold(show), unsold).await.unwrap_err();
        1
    }
}

/// Buys one of so many seats.
pub(crate) async fn buy(store: &dyn EventStore, show: String, seats: u64, attempts: &AtomicU32) {
    let office = Office(seats);
    let count = |_: &_| {
        attempts.fetch_add(1, Ordering::Relaxed);
    };
    let buy = dispatch(store, &office).retry(Retry::attempts(u32::MAX)).observe(count);
    match buy.run(&show).await {
        Ok(_) | Err(Error::Domain(())) => {}
        Err(error) => panic!("{error:?}"),
    }
}

fn sold(show: &str) -> Vec<NewEvent> {
    vec![encode(&Sale::Sold { show: show.to_owned() }).unwrap()]
}
