use factos::Event;

#[derive(Event)]
#[event("")]
struct Paid;

fn main() {}
