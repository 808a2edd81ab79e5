use factos::Event;

#[derive(Event)]
enum School {
    #[event("factos.nothing")]
    Closed,
    #[event(alias = "factos.opened")]
    Opened,
}

#[derive(Event)]
#[event(prefix = "factos.")]
enum Prefixed {
    Closed,
    #[event("factosmith")]
    Smith,
}

#[derive(Event)]
#[event("factos.paid")]
struct Paid;

fn main() {}
