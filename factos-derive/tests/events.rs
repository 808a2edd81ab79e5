#![doc = "Names, versions, round trips and the errors of decoding."]

use factos::{Event, EventType};

#[derive(Debug, PartialEq, Event)]
enum Ticketing {
    TicketSold {
        #[tag]
        show: String,
        buyer: String,
    },
    Closed,
}

#[test]
fn it_round_trips() {
    let sold = Ticketing::TicketSold {
        show: "conf".into(),
        buyer: "lucy".into(),
    };
    let payload = sold.encode().unwrap();
    assert_eq!(payload, r#"{"show":"conf","buyer":"lucy"}"#);
    assert_eq!(
        Ticketing::decode(&EventType::from_static("TicketSold"), 1, &payload).unwrap(),
        sold
    );
    assert_eq!(sold.tags().unwrap().as_lines(), "show:conf");
    assert_eq!(Ticketing::Closed.encode().unwrap(), "{}");
}
