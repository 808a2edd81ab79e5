use factos::Event;

#[derive(Event)]
struct Paid(u64);

fn main() {}
