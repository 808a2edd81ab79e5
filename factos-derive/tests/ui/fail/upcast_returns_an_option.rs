use factos::{Event, Payload};

#[derive(Payload)]
struct First {
    seats: u8,
}

fn second(first: First) -> Option<Sales> {
    Some(Sales::Sold { seats: first.seats })
}

#[derive(Event)]
enum Sales {
    #[event(version = 2, upcast(1 = second))]
    Sold { seats: u8 },
}

fn main() {}
