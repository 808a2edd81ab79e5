use factos::Event;

#[derive(Event)]
enum Course {
    #[tag("closed")]
    Closed,
}

fn main() {}
