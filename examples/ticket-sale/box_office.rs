//! The domain: pure, without a store.

use factos::{Decider, Event, QueryFor, Reactor, Recorded};

#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[event(prefix = "box-office.", rename_all = "kebab-case")]
pub(crate) enum Ticketing {
    TicketSold {
        #[tag]
        show: String,
        buyer: String,
    },
}

#[derive(Debug)]
pub(crate) struct BuyTicket {
    pub(crate) show: String,
    pub(crate) buyer: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SoldOut;

/// Sells as many tickets of a show as it has seats. State: how many are sold.
#[derive(Debug)]
pub(crate) struct BoxOffice {
    pub(crate) seats: u64,
}

impl Decider for BoxOffice {
    type Command = BuyTicket;
    type Event = Ticketing;
    type State = u64;
    type Error = SoldOut;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, sold: u64, event: &Ticketing) -> u64 {
        match event {
            Ticketing::TicketSold { .. } => sold + 1,
        }
    }

    fn decide(&self, sold: &u64, command: &BuyTicket) -> Result<Vec<Ticketing>, SoldOut> {
        if *sold >= self.seats {
            return Err(SoldOut);
        }
        let BuyTicket { show, buyer } = command;
        Ok(vec![Ticketing::TicketSold { show: show.clone(), buyer: buyer.clone() }])
    }

    fn context(&self, command: &BuyTicket) -> QueryFor<Ticketing> {
        Ticketing::query().show(&command.show).into()
    }
}

/// Tells every buyer of their ticket. The message is a value; the caller decides what to do with it.
#[derive(Debug)]
pub(crate) struct Confirmation;

impl Reactor for Confirmation {
    type Event = Ticketing;
    type Effect = String;

    fn react(&self, record: &Recorded<Ticketing>) -> Vec<String> {
        let Ticketing::TicketSold { buyer, .. } = &record.event;
        vec![format!("ticket sold to {buyer} at position {}", record.position)]
    }
}

#[cfg(test)]
mod tests {
    use factos::compute_events;

    use super::*;

    fn sold_to(buyer: &str) -> Ticketing {
        Ticketing::TicketSold { show: "s".to_owned(), buyer: buyer.to_owned() }
    }

    fn buy(history: &[Ticketing]) -> Result<Vec<Ticketing>, SoldOut> {
        let command = BuyTicket { show: "s".to_owned(), buyer: "eve".to_owned() };
        compute_events(&BoxOffice { seats: 2 }, history, &command)
    }

    #[test]
    fn the_last_seat_is_sold_and_no_more() {
        assert_eq!(buy(&[sold_to("ann")]), Ok(vec![sold_to("eve")]));
        assert_eq!(buy(&[sold_to("ann"), sold_to("bob")]), Err(SoldOut));
    }
}
