use factos::Event;

#[derive(Event)]
enum Course {
    Renamed(#[tag] String),
    Moved(#[tag("room")] String, #[tag("floor")] u8),
}

fn main() {}
