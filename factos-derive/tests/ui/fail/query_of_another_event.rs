use factos::{Event, QueryFor};

#[derive(Event)]
struct Paid;

#[derive(Event)]
struct Waived;

fn main() {
    let _: QueryFor<Paid> = Waived::query().into();
    let _ = Paid::query() | Waived::query();
}
