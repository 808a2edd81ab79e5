//! A request that arrives twice: the order is recorded once, in one of two ways.
//!
//! If a second submission is the client's mistake, the submission's id is part of the event, and the
//! decider refuses the second one. If the network repeats the request, the command is dispatched with an
//! idempotency key, and the second dispatch returns the records of the first.

use factos::{Decider, Event, QueryFor};

/// An order.
#[derive(Debug, Clone, PartialEq, Event)]
#[event("order.placed", alias = "OrderPlaced")]
pub struct OrderPlaced {
    /// The client's id of this submission.
    #[tag]
    pub submission: String,
    /// The ordered items.
    pub items: Vec<String>,
}

/// Places an order.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// The client's id of this submission.
    pub submission: String,
    /// The items to order.
    pub items: Vec<String>,
}

/// This submission was recorded already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resubmitted;

/// Takes orders.
#[derive(Debug)]
pub struct Orders;

impl Decider for Orders {
    type Command = PlaceOrder;
    type Event = OrderPlaced;
    type State = bool;
    type Error = Resubmitted;

    fn initial(&self) -> bool {
        false
    }

    fn evolve(&self, _: bool, _: &OrderPlaced) -> bool {
        true
    }

    fn decide(&self, placed: &bool, order: &PlaceOrder) -> Result<Vec<OrderPlaced>, Resubmitted> {
        if *placed {
            return Err(Resubmitted);
        }
        let (submission, items) = (order.submission.clone(), order.items.clone());
        Ok(vec![OrderPlaced { submission, items }])
    }

    fn context(&self, order: &PlaceOrder) -> QueryFor<OrderPlaced> {
        OrderPlaced::query().submission(&order.submission).into()
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::scenario;

    use super::*;

    fn placed(submission: &str) -> OrderPlaced {
        OrderPlaced { submission: submission.into(), items: vec!["tea".into()] }
    }

    #[test]
    fn a_submission_is_recorded_once() {
        let place = |submission: &str| PlaceOrder {
            submission: submission.into(),
            items: vec!["tea".into()],
        };
        let story = || scenario(&Orders).given([placed("s1")]);
        story().when(place("s2")).then([placed("s2")]);
        story().when(place("s1")).then_err(Resubmitted);
    }
}
