//! Numbers without gaps: every invoice has the number after the last one. No number is left out, because
//! an invoice that is not accepted uses no number.

use factos::{Decider, Event};

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[event("invoice.created", version = 2, upcast(1 = from_cents))]
pub struct InvoiceCreated {
    /// From 1, without gaps.
    #[tag]
    pub number: u64,
    /// The amount to pay, with its currency.
    pub amount: String,
}

/// Version 1, from when there was one currency only.
#[derive(Debug, factos::Payload)]
struct V1 {
    number: u64,
    amount: String,
}

fn from_cents(old: V1) -> InvoiceCreated {
    InvoiceCreated { number: old.number, amount: old.amount + " EUR" }
}

/// Creates an invoice over this amount.
#[derive(Debug, Clone)]
pub struct CreateInvoice(pub String);

/// There is no amount to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NothingOwed;

/// Creates invoices. Its context is every invoice, because each one decides the number of the next.
#[derive(Debug)]
pub struct Accounting;

impl Decider for Accounting {
    type Command = CreateInvoice;
    type Event = InvoiceCreated;
    type State = u64;
    type Error = NothingOwed;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, _: u64, invoice: &InvoiceCreated) -> u64 {
        invoice.number
    }

    fn decide(
        &self,
        last: &u64,
        CreateInvoice(amount): &CreateInvoice,
    ) -> Result<Vec<InvoiceCreated>, NothingOwed> {
        if amount.is_empty() {
            return Err(NothingOwed);
        }
        Ok(vec![InvoiceCreated { number: last + 1, amount: amount.clone() }])
    }
}

#[cfg(test)]
mod tests {
    use factos::{EventType, testing::scenario};

    use super::*;

    fn invoice(number: u64) -> InvoiceCreated {
        InvoiceCreated { number, amount: "1 EUR".into() }
    }

    #[test]
    fn the_first_invoice_has_the_number_1_and_each_next_one_more() {
        let create = || CreateInvoice("1 EUR".into());
        scenario(&Accounting).when(create()).then([invoice(1)]);
        let story = scenario(&Accounting).given([invoice(1), invoice(2)]);
        story.when(create()).then([invoice(3)]).then_state(3);
    }

    #[test]
    fn a_refused_invoice_uses_no_number() {
        let story = scenario(&Accounting).given([invoice(1)]);
        story.when(CreateInvoice(String::new())).then_err(NothingOwed).then_state(1);
    }

    #[test]
    fn invoices_from_before_currencies_are_read() {
        let name = EventType::from_static("invoice.created");
        let old = InvoiceCreated::decode(&name, 1, br#"{"number":7,"amount":"12.05"}"#);
        let amount = "12.05 EUR".to_owned();
        assert_eq!(old.unwrap(), InvoiceCreated { number: 7, amount });
    }
}
