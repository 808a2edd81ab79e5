use factos::Event;

#[derive(Event)]
enum Sales {
    Sold,
}

#[derive(Event)]
enum Fees {
    Paid,
}

fn main() {
    let _ = Sales::query().only([FeesKind::Paid]);
}
