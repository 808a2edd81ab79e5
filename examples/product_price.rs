//! A price that changes while a customer looks at it: an order is accepted at the price that was shown, if
//! that is the current price, or was a few minutes ago.
//!
//! An order depends on prices and on no other order: its boundary is the prices alone.

use std::collections::BTreeMap;

use factos::{Decider, Event, QueryFor};

/// How many minutes after a change the old price is still accepted.
pub const GRACE_MINUTES: u64 = 10;

/// What can happen to prices.
#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "price.")]
pub enum Pricing {
    /// A product is sold from now on.
    ProductDefined {
        /// The product.
        #[tag]
        product: String,
        /// Its price.
        cents: u64,
    },
    /// A product costs more or less.
    PriceChanged {
        /// The product.
        #[tag]
        product: String,
        /// Its new price.
        cents: u64,
        /// When it changed.
        minute: u64,
    },
}

/// An order of several products, each at the price that was shown.
#[derive(Debug, Clone, PartialEq, Event)]
#[event("order.placed")]
pub struct OrderPlaced {
    /// The price shown for each product.
    pub items: BTreeMap<String, u64>,
}

/// The events that the shop reads and appends.
#[derive(Debug, Clone, PartialEq, Event)]
pub enum Shop {
    /// Prices.
    #[event(flatten)]
    Pricing(Pricing),
    /// Orders.
    #[event(flatten)]
    Order(OrderPlaced),
}

/// Orders products at the prices that were shown.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// The price shown for each product.
    pub items: BTreeMap<String, u64>,
    /// The current time.
    pub minute: u64,
}

/// Why an order is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is ordered.
    EmptyOrder,
    /// The product is not sold.
    NoSuchProduct(String),
    /// The price shown is not accepted, or not any more.
    OtherPrice(String),
}

/// The prices of a product: the current one, and the earlier ones with the minute when each ended.
#[derive(Debug, Default)]
pub struct Prices {
    current: u64,
    earlier: Vec<(u64, u64)>,
}

/// Takes orders.
#[derive(Debug)]
pub struct Checkout;

impl Decider for Checkout {
    type Command = PlaceOrder;
    type Event = Shop;
    type State = BTreeMap<String, Prices>;
    type Error = Refusal;

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn evolve(&self, mut prices: Self::State, event: &Shop) -> Self::State {
        match event {
            Shop::Pricing(Pricing::ProductDefined { product, cents }) => {
                prices.entry(product.clone()).or_default().current = *cents;
            }
            Shop::Pricing(Pricing::PriceChanged { product, cents, minute }) => {
                let prices = prices.entry(product.clone()).or_default();
                prices.earlier.push((prices.current, *minute));
                prices.current = *cents;
            }
            Shop::Order(_) => {}
        }
        prices
    }

    fn decide(&self, prices: &Self::State, order: &PlaceOrder) -> Result<Vec<Shop>, Refusal> {
        if order.items.is_empty() {
            return Err(Refusal::EmptyOrder);
        }
        for (product, shown) in &order.items {
            match prices.get(product) {
                None => return Err(Refusal::NoSuchProduct(product.clone())),
                Some(prices) if prices.are_good(*shown, order.minute) => {}
                Some(_) => return Err(Refusal::OtherPrice(product.clone())),
            }
        }
        Ok(vec![OrderPlaced { items: order.items.clone() }.into()])
    }

    fn context(&self, order: &PlaceOrder) -> QueryFor<Shop> {
        let prices = order.items.keys().map(|product| Pricing::query().product(product).widen());
        prices.reduce(|all, more| all | more).unwrap_or_else(|| Pricing::query().widen())
    }
}

impl Prices {
    fn are_good(&self, shown: u64, now: u64) -> bool {
        let ended = |(price, end): &(u64, u64)| *price == shown && now <= end + GRACE_MINUTES;
        self.current == shown || self.earlier.iter().any(ended)
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::{Scenario, scenario};

    use super::*;

    fn defined(product: &str, cents: u64) -> Shop {
        Pricing::ProductDefined { product: product.into(), cents }.into()
    }

    fn changed(product: &str, cents: u64, minute: u64) -> Shop {
        Pricing::PriceChanged { product: product.into(), cents, minute }.into()
    }

    fn items(items: &[(&str, u64)]) -> BTreeMap<String, u64> {
        items.iter().map(|(product, cents)| ((*product).to_owned(), *cents)).collect()
    }

    fn order(ordered: &[(&str, u64)], minute: u64) -> PlaceOrder {
        PlaceOrder { items: items(ordered), minute }
    }

    fn placed(ordered: &[(&str, u64)]) -> Shop {
        OrderPlaced { items: items(ordered) }.into()
    }

    fn story(given: impl IntoIterator<Item = Shop>) -> Scenario<'static, Checkout> {
        scenario(&Checkout).given(given).allow_outside_boundary()
    }

    #[test]
    fn an_order_stands_at_the_price_shown() {
        let given = || [defined("tea", 300), defined("mug", 900), placed(&[("tea", 1)])];
        story(given()).when(order(&[("tea", 300)], 0)).then([placed(&[("tea", 300)])]);
        let both = [("tea", 300), ("mug", 900)];
        story(given()).when(order(&both, 0)).then([placed(&both)]);
        let other = || Refusal::OtherPrice("mug".into());
        story(given()).when(order(&[("tea", 300), ("mug", 899)], 0)).then_err(other());
        let nothing = Refusal::NoSuchProduct("pot".into());
        story(given()).when(order(&[("pot", 1)], 0)).then_err(nothing);
        story(given()).when(order(&[], 0)).then_err(Refusal::EmptyOrder);
    }

    #[test]
    fn the_price_before_a_change_is_good_for_some_minutes() {
        let given = || [defined("tea", 300), changed("tea", 350, 60), changed("tea", 400, 63)];
        let at = |cents, minute| order(&[("tea", cents)], minute);
        let ok = |cents| [placed(&[("tea", cents)])];
        let other = || Refusal::OtherPrice("tea".into());
        story(given()).when(at(400, 64)).then(ok(400));
        story(given()).when(at(300, 60 + GRACE_MINUTES)).then(ok(300));
        story(given()).when(at(300, 61 + GRACE_MINUTES)).then_err(other());
        story(given()).when(at(350, 63 + GRACE_MINUTES)).then(ok(350));
        story(given()).when(at(350, 64 + GRACE_MINUTES)).then_err(other());
        story(given()).when(at(999, 64)).then_err(other());
    }
}
