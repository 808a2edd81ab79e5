//! What happens outside of the log: mails, payments, and the process manager, whose effects are commands.

use std::{sync::Arc, time::Duration};

use factos::{EventStore, QueryFor, Reactor, Recorded, Retry, dispatch};
use factos_consumer::{Delivery, DeliveryId, EffectHandler, Outcome, PartitionKey, Reaction};

use crate::{
    outside::{MailServer, PaymentProvider, Refused},
    shop::{Command, OrderDesk, Shop, ShopKind},
};

/// Leads each order from one step to the next.
pub(crate) struct Fulfilment;

impl Reactor for Fulfilment {
    type Event = Shop;
    type Effect = Command;

    fn react(&self, record: &Recorded<Shop>) -> Vec<Command> {
        match record.event.clone() {
            Shop::OrderPlaced { order, item, .. } => vec![Command::Reserve { order, item }],
            Shop::PaymentReceived { order } => vec![Command::Ship { order }],
            Shop::PaymentDeclined { order, why } => vec![Command::Cancel { order, why }],
            _ => Vec::new(),
        }
    }
}

impl Reaction for Fulfilment {
    const NAME: &'static str = "fulfilment";

    fn query(&self) -> QueryFor<Shop> {
        Shop::query().only([
            ShopKind::OrderPlaced,
            ShopKind::PaymentReceived,
            ShopKind::PaymentDeclined,
        ])
    }

    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        record.event.order().map(PartitionKey::from)
    }
}

/// Runs commands, each once: the id of the delivery is the idempotency key.
pub(crate) struct Desk(pub(crate) Arc<dyn EventStore>);

impl Desk {
    async fn run(&self, id: &DeliveryId, command: &Command) -> Outcome {
        let pauses = (Duration::from_millis(2), Duration::from_millis(50));
        let retry = Retry::attempts(20).tokio_backoff(pauses.0, pauses.1);
        let attempt = dispatch(&self.0, &OrderDesk).retry(retry).idempotency_key(id.to_string());
        match attempt.run(command).await {
            Ok(_) => Outcome::Done,
            Err(error) if error.is_retryable() => Outcome::retry(error),
            Err(error) => Outcome::dead(error),
        }
    }
}

impl EffectHandler for Desk {
    type Effect = Command;

    async fn run(&self, delivery: Delivery<'_, Command>) -> Outcome {
        self.run(&delivery.id, delivery.effect).await
    }
}

/// Has the customer pay for what was reserved.
pub(crate) struct Payments;

/// The order that is to be paid.
pub(crate) struct Charge(pub(crate) String);

impl Reactor for Payments {
    type Event = Shop;
    type Effect = Charge;

    fn react(&self, record: &Recorded<Shop>) -> Vec<Charge> {
        match &record.event {
            Shop::StockReserved { order, .. } => vec![Charge(order.clone())],
            _ => Vec::new(),
        }
    }
}

impl Reaction for Payments {
    const NAME: &'static str = "payments";

    fn query(&self) -> QueryFor<Shop> {
        Shop::query().only([ShopKind::StockReserved])
    }

    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        record.event.order().map(PartitionKey::from)
    }
}

/// Asks the payment provider, and records its answer.
pub(crate) struct Cashier {
    pub(crate) provider: PaymentProvider,
    pub(crate) desk: Desk,
}

impl EffectHandler for Cashier {
    type Effect = Charge;

    async fn run(&self, delivery: Delivery<'_, Charge>) -> Outcome {
        let Delivery { id, effect: Charge(order), attempts_before, .. } = delivery;
        let order = order.clone();
        let command = match self.provider.charge(&id, attempts_before == 0, &order).await {
            Ok(true) => Command::TakePayment { order },
            Ok(false) => Command::DeclinePayment { order, why: "declined".to_owned() },
            Err(refused) => return Outcome::retry(refused),
        };
        self.desk.run(&id, &command).await
    }
}

/// Tells the customer how the order stands.
pub(crate) struct Mails;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Reactor for Mails {
    type Event = Shop;
    type Effect = Mail;

    fn react(&self, record: &Recorded<Shop>) -> Vec<Mail> {
        let (to, text) = match &record.event {
            Shop::OrderPlaced { order, customer, .. } => (customer, format!("thanks for {order}")),
            Shop::OrderShipped { order, customer } => (customer, format!("{order} is on its way")),
            Shop::OrderCancelled { order, customer, why, .. } => {
                (customer, format!("{order} was cancelled: {why}"))
            }
            _ => return Vec::new(),
        };
        vec![Mail { to: to.clone(), text }]
    }
}

impl Reaction for Mails {
    const NAME: &'static str = "mails";

    fn query(&self) -> QueryFor<Shop> {
        Shop::query().only([
            ShopKind::OrderPlaced,
            ShopKind::OrderShipped,
            ShopKind::OrderCancelled,
        ])
    }

    /// Each customer gets their mails in order.
    fn key(&self, record: &Recorded<Shop>) -> Option<PartitionKey> {
        self.react(record).into_iter().next().map(|mail| PartitionKey::from(mail.to))
    }
}

pub(crate) struct Mailer(pub(crate) MailServer);

impl EffectHandler for Mailer {
    type Effect = Mail;

    async fn run(&self, delivery: Delivery<'_, Mail>) -> Outcome {
        let Delivery { id, effect: Mail { to, text }, attempts_before, .. } = delivery;
        match self.0.send(&id, attempts_before == 0, to, text).await {
            Ok(()) => Outcome::Done,
            Err(refused @ Refused::MailboxFull(_)) => Outcome::dead(refused),
            Err(refused) => Outcome::retry(refused),
        }
    }
}
