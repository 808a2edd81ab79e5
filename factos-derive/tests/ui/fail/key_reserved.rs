use factos::Event;

#[derive(Event)]
struct Paid {
    #[tag]
    into: u64,
    #[tag("clone")]
    by: u64,
    #[tag("factos.key")]
    key: u64,
    #[tag("self")]
    this: u64,
}

fn main() {}
