use factos::Event;

#[derive(Event)]
enum Course {
    Renamed(#[tag] String),
}

fn main() {}
