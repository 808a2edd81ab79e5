//! Events of an application that has factos without its feature for JSON.

use factos::Event;

/// What happens to a ticket.
#[derive(Debug, PartialEq, Eq, Event)]
#[event(codec = factos::Cbor)]
pub enum Ticketing {
    /// A ticket was sold.
    TicketSold {
        /// Which show it is for.
        #[tag]
        show: String,
    },
}

#[test]
fn another_codec_needs_no_json() {
    let sold = Ticketing::TicketSold { show: "conf".to_owned() };
    let payload = sold.encode().unwrap();
    assert_eq!(Ticketing::decode(&sold.event_type(), 1, &payload).unwrap(), sold);
}
