use factos::{Event, Payload};

#[derive(Event)]
struct Paid {
    #[tag]
    order: u64,
}

#[derive(Event)]
enum Order {
    Paid(Paid),
}

#[derive(Event, Payload)]
struct Sent {
    #[tag]
    order: u64,
}

#[derive(Event)]
enum Parcel {
    Sent(Sent),
    Lost,
}

fn main() {}
