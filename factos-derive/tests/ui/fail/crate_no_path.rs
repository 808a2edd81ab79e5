use factos::Event;

#[derive(Event)]
#[event(crate = "factos")]
struct Paid;

fn main() {}
