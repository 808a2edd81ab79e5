use factos::Event;

#[derive(Event)]
struct Paid;

#[derive(Event)]
enum Course {
    #[event(flatten)]
    Paid(Paid),
    Closed,
    #[event(flatten)]
    Again(Paid),
}

fn main() {}
