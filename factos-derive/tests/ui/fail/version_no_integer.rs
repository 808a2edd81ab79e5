use factos::Event;

#[derive(Event)]
enum Course {
    #[event(version = "2")]
    Closed,
    #[event(version = 1.5)]
    Opened,
    #[event(version = -1)]
    Moved,
    #[event(version = 4294967296)]
    Renamed,
    #[event(version)]
    Split,
}

fn main() {}
