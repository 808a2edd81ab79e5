//! A request that arrives twice: an order is recorded once, whether the client names it itself or not.
//!
//! Where a second attempt is the client's mistake, the submission is part of the facts, and the decider
//! refuses. Where it is the network's, the command is given an idempotency key when it is dispatched: the
//! answer is then the records of the first attempt.

use factos::{Decider, Event, QueryFor};

/// An order.
#[derive(Debug, Clone, PartialEq, Event)]
#[event("order.placed", alias = "OrderPlaced")]
pub struct OrderPlaced {
    /// What the client calls this submission.
    #[tag]
    pub submission: String,
    /// What was ordered.
    pub items: Vec<String>,
}

/// To order.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// What the client calls this submission.
    pub submission: String,
    /// What to order.
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
