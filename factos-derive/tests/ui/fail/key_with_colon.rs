use factos::Event;

#[derive(Event)]
struct Paid {
    #[tag("by:student")]
    student: u64,
}

fn main() {}
