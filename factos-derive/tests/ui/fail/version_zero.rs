use factos::Event;

#[derive(Event)]
enum Course {
    #[event(version = 0)]
    Closed,
}

fn main() {}
