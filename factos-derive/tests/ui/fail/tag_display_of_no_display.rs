use factos::{Event, Payload};

#[derive(Payload)]
struct Room {
    number: u8,
}

#[derive(Event)]
enum Course {
    Defined {
        #[tag(display)]
        room: Room,
    },
}

fn main() {}
