use factos::Event;

#[derive(Event)]
struct Paid {
    #[tag("paid-by")]
    a: u64,
    #[tag("paid_by")]
    b: u64,
}

fn main() {}
