use factos::Event;

struct Paid {
    cents: u64,
}

#[derive(Event)]
enum Course {
    Closed,
    #[event(flatten)]
    Paid(Paid),
}

fn main() {}
