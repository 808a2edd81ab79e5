use std::panic::{AssertUnwindSafe, catch_unwind};

use factos::{QueryFor, Recorded};
use futures_util::FutureExt;

use super::handling::{Advice, Failed, Handler, Place};
use crate::{
    effect::{Delivery, DeliveryId, EffectHandler, Outcome, Reaction},
    orders::Orders,
    panic::panic_error,
    partition_key::PartitionKey,
    port::{ConsumerId, Succession, Work},
    trace::Span,
};

/// A reaction, whose effects are carried out one by one, outside of transactions.
pub(crate) struct Reacting<R, H> {
    reaction: R,
    handler: H,
}

impl<R, H> Reacting<R, H> {
    pub(crate) const fn new(reaction: R, handler: H) -> Self {
        Self { reaction, handler }
    }
}

impl<R, H> Reacting<R, H>
where
    R: Reaction,
    H: EffectHandler<Effect = R::Effect>,
{
    async fn carry_out(&self, delivery: Delivery<'_, R::Effect>) -> Result<(), Failed> {
        let index = delivery.id.index;
        let span = Span::effect(&delivery.id);
        let running = AssertUnwindSafe(async { self.handler.run(delivery).await });
        let outcome = span.around(running.catch_unwind()).await;
        span.ended(match &outcome {
            Ok(Outcome::Done) => "done",
            Ok(Outcome::Dead { .. }) => "dead",
            Ok(Outcome::Retry { .. }) | Err(_) => "retry",
        });
        let (why, advice) = match outcome {
            Ok(Outcome::Done) => return Ok(()),
            Ok(Outcome::Retry { after, why }) => (why, Advice::Retry(after)),
            Ok(Outcome::Dead { why }) => (why, Advice::Dead),
            Err(panic) => (panic_error(&*panic), Advice::Retry(None)),
        };
        Err(Failed { index, why, advice })
    }
}

impl<T, R, H> Handler<T> for Reacting<R, H>
where
    R: Reaction,
    H: EffectHandler<Effect = R::Effect>,
{
    type Event = R::Event;

    const IS_TRANSACTIONAL: bool = false;
    const SUCCESSION: Succession = Succession::TakeOver;

    fn id(&self) -> ConsumerId {
        ConsumerId::new(R::NAME, R::VERSION)
    }

    fn query(&self) -> QueryFor<R::Event> {
        self.reaction.query()
    }

    fn key(&self, record: &Recorded<R::Event>) -> Option<PartitionKey> {
        self.reaction.key(record)
    }

    async fn prepare(
        &self,
        records: Vec<Recorded<R::Event>>,
        place: Place,
        orders: &Orders,
    ) -> Result<Option<Box<dyn Work<T>>>, Failed> {
        for record in records {
            let react = AssertUnwindSafe(|| self.reaction.react(&record));
            let effects = catch_unwind(react)
                .map_err(|panic| Failed::retryable(place.index, panic_error(&*panic)))?;
            for (index, effect) in (0..).zip(&effects).skip(place.index as usize) {
                if !orders.holds_lease() {
                    let why = "the lease may be lost".into();
                    return Err(Failed { index, why, advice: Advice::GiveUp });
                }
                let consumer = R::NAME.to_owned();
                let id = DeliveryId { consumer, position: record.position, index };
                let attempts = if index == place.index { place.attempts } else { 0 };
                self.carry_out(Delivery::new(effect, id, attempts)).await?;
            }
        }
        Ok(None)
    }
}
