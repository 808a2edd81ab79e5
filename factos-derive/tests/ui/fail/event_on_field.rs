use factos::Event;

#[derive(Event)]
struct Paid {
    #[event("amount")]
    cents: u64,
}

fn main() {}
