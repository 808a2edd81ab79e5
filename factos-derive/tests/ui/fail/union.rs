use factos::Event;

#[derive(Event)]
union Paid {
    cents: u64,
    euros: u32,
}

fn main() {}
