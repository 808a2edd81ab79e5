use factos::Event;

#[derive(Event)]
enum Course {
    #[event(version = 2, since = 3)]
    Defined,
    #[event(since = 2)]
    Renamed,
    #[event(since = 0)]
    Closed,
}

fn main() {}
