use factos::Event;

#[derive(Event)]
enum Course {
    #[event("  ")]
    Closed,
}

fn main() {}
