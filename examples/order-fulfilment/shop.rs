//! The domain: orders of goods that are in stock, payments, shipping. Pure, without a store.

use std::collections::BTreeMap;

use factos::{Decider, Event, QueryFor};

#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[event(prefix = "shop.", rename_all = "kebab-case")]
pub(crate) enum Shop {
    GoodsReceived {
        #[tag]
        item: String,
        count: u32,
    },
    OrderPlaced {
        #[tag]
        order: String,
        customer: String,
        #[tag]
        item: String,
        count: u32,
    },
    StockReserved {
        #[tag]
        order: String,
        #[tag]
        item: String,
        count: u32,
    },
    PaymentReceived {
        #[tag]
        order: String,
    },
    PaymentDeclined {
        #[tag]
        order: String,
        why: String,
    },
    OrderShipped {
        #[tag]
        order: String,
        customer: String,
    },
    /// `count` pieces are in stock again.
    OrderCancelled {
        #[tag]
        order: String,
        customer: String,
        #[tag]
        item: String,
        count: u32,
        why: String,
    },
}

impl Shop {
    /// The order that this is about.
    pub(crate) fn order(&self) -> Option<&str> {
        match self {
            Self::GoodsReceived { .. } => None,
            Self::OrderPlaced { order, .. }
            | Self::StockReserved { order, .. }
            | Self::PaymentReceived { order }
            | Self::PaymentDeclined { order, .. }
            | Self::OrderShipped { order, .. }
            | Self::OrderCancelled { order, .. } => Some(order),
        }
    }

    /// What it makes of the order.
    pub(crate) fn state(&self) -> Option<&'static str> {
        Some(match self {
            Self::GoodsReceived { .. } => return None,
            Self::OrderPlaced { .. } => "placed",
            Self::StockReserved { .. } => "reserved",
            Self::PaymentReceived { .. } => "paid",
            Self::PaymentDeclined { .. } => "declined",
            Self::OrderShipped { .. } => "shipped",
            Self::OrderCancelled { .. } => "cancelled",
        })
    }

    /// An item, and by how much its stock changes.
    pub(crate) fn change(&self) -> Option<(&str, i64)> {
        match self {
            Self::GoodsReceived { item, count } | Self::OrderCancelled { item, count, .. } => {
                Some((item, i64::from(*count)))
            }
            Self::StockReserved { item, count, .. } => Some((item, -i64::from(*count))),
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    Place { order: String, customer: String, item: String, count: u32 },
    Reserve { order: String, item: String },
    TakePayment { order: String },
    DeclinePayment { order: String, why: String },
    Ship { order: String },
    Cancel { order: String, why: String },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the order is {0}")]
pub(crate) struct NotNow(&'static str);

/// Decides about all commands.
#[derive(Debug)]
pub(crate) struct OrderDesk;

/// What is in stock of the item that the command names, and the orders that it reads of.
#[derive(Debug, Default)]
pub(crate) struct State {
    stock: i64,
    orders: BTreeMap<String, Order>,
}

#[derive(Debug)]
struct Order {
    customer: String,
    item: String,
    count: u32,
    state: &'static str,
}

impl Decider for OrderDesk {
    type Command = Command;
    type Event = Shop;
    type State = State;
    type Error = NotNow;

    fn initial(&self) -> State {
        State::default()
    }

    fn evolve(&self, mut state: State, event: &Shop) -> State {
        state.stock += event.change().map_or(0, |(_, change)| change);
        if let Shop::OrderPlaced { order, customer, item, count } = event {
            let (customer, item) = (customer.clone(), item.clone());
            let placed = Order { customer, item, count: *count, state: "placed" };
            state.orders.insert(order.clone(), placed);
        }
        let order = event.order().and_then(|order| state.orders.get_mut(order));
        if let (Some(order), Some(state)) = (order, event.state()) {
            order.state = state;
        }
        state
    }

    fn decide(&self, state: &State, command: &Command) -> Result<Vec<Shop>, NotNow> {
        let event = match command {
            Command::Place { order, customer, item, count } => {
                let (order, customer) = (order.clone(), customer.clone());
                Shop::OrderPlaced { order, customer, item: item.clone(), count: *count }
            }
            Command::Reserve { order, .. } => {
                let placed = state.order(order, "placed")?;
                if state.stock < i64::from(placed.count) {
                    return Ok(vec![placed.cancelled(order, 0, "out of stock")]);
                }
                let (item, count) = (placed.item.clone(), placed.count);
                Shop::StockReserved { order: order.clone(), item, count }
            }
            Command::TakePayment { order } => {
                state.order(order, "reserved")?;
                Shop::PaymentReceived { order: order.clone() }
            }
            Command::DeclinePayment { order, why } => {
                state.order(order, "reserved")?;
                Shop::PaymentDeclined { order: order.clone(), why: why.clone() }
            }
            Command::Ship { order } => {
                let customer = state.order(order, "paid")?.customer.clone();
                Shop::OrderShipped { order: order.clone(), customer }
            }
            Command::Cancel { order, why } => {
                let declined = state.order(order, "declined")?;
                declined.cancelled(order, declined.count, why)
            }
        };
        Ok(vec![event])
    }

    fn context(&self, command: &Command) -> QueryFor<Shop> {
        match command {
            Command::Reserve { order, item } => {
                Shop::query().order(order) | Shop::query().item(item)
            }
            Command::Place { order, .. }
            | Command::TakePayment { order }
            | Command::DeclinePayment { order, .. }
            | Command::Ship { order }
            | Command::Cancel { order, .. } => Shop::query().order(order).into(),
        }
    }
}

impl State {
    /// The order, which must be in this state.
    fn order(&self, order: &str, state: &str) -> Result<&Order, NotNow> {
        match self.orders.get(order) {
            Some(order) if order.state == state => Ok(order),
            Some(order) => Err(NotNow(order.state)),
            None => Err(NotNow("not placed")),
        }
    }
}

impl Order {
    fn cancelled(&self, order: &str, count: u32, why: &str) -> Shop {
        let (customer, item) = (self.customer.clone(), self.item.clone());
        Shop::OrderCancelled { order: order.to_owned(), customer, item, count, why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::scenario;

    use super::*;

    fn order(event: fn(String) -> Shop) -> Shop {
        event("o1".to_owned())
    }

    fn received(count: u32) -> Shop {
        Shop::GoodsReceived { item: "tea".to_owned(), count }
    }

    fn placed(order: String) -> Shop {
        Shop::OrderPlaced { order, customer: "ann".to_owned(), item: "tea".to_owned(), count: 2 }
    }

    fn reserved(order: String) -> Shop {
        Shop::StockReserved { order, item: "tea".to_owned(), count: 2 }
    }

    fn declined(order: String) -> Shop {
        Shop::PaymentDeclined { order, why: "no money".to_owned() }
    }

    fn cancelled(count: u32, why: &str) -> Shop {
        let (order, customer, item) = ("o1".to_owned(), "ann".to_owned(), "tea".to_owned());
        Shop::OrderCancelled { order, customer, item, count, why: why.to_owned() }
    }

    fn reserve() -> Command {
        Command::Reserve { order: "o1".to_owned(), item: "tea".to_owned() }
    }

    #[test]
    fn stock_is_reserved_while_there_is_any() {
        let story = scenario(&OrderDesk).given([received(2), order(placed)]);
        story.when(reserve()).then([order(reserved)]);
        let story = scenario(&OrderDesk).given([received(1), order(placed)]);
        story.when(reserve()).then([cancelled(0, "out of stock")]);
    }

    #[test]
    fn what_was_reserved_is_in_stock_again_if_nobody_pays() {
        let until = [received(2), order(placed), order(reserved), order(declined)];
        let cancel = Command::Cancel { order: "o1".to_owned(), why: "no money".to_owned() };
        let after = cancelled(2, "no money");
        scenario(&OrderDesk).given(until.clone()).when(cancel).then([after.clone()]);
        let next = Shop::OrderPlaced {
            order: "o2".to_owned(),
            customer: "bob".to_owned(),
            item: "tea".to_owned(),
            count: 2,
        };
        let story = scenario(&OrderDesk).given(until).given([after, next]);
        let reserve = Command::Reserve { order: "o2".to_owned(), item: "tea".to_owned() };
        let reserved =
            Shop::StockReserved { order: "o2".to_owned(), item: "tea".to_owned(), count: 2 };
        story.when(reserve).then([reserved]);
    }

    #[test]
    fn nothing_is_shipped_before_it_is_paid() {
        let story = scenario(&OrderDesk).given([received(2), order(placed), order(reserved)]);
        story.when(Command::Ship { order: "o1".to_owned() }).then_err(NotNow("reserved"));
    }
}
