use factos::Event;

#[derive(Event)]
struct Paid {
    #[tag]
    #[serde(skip)]
    a: u64,
    #[serde(default, skip_serializing)]
    #[tag]
    b: u64,
}

fn main() {}
