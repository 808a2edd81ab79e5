use factos::{Event, QueryFor};

#[derive(Event)]
struct Paid;

#[derive(Event)]
struct Waived;

#[derive(Event)]
enum Fees {
    #[event(flatten)]
    Paid(Paid),
}

fn context() -> QueryFor<Fees> {
    Paid::query().into()
}

fn main() {
    let _: QueryFor<Paid> = Waived::query().into();
    let _ = QueryFor::<Paid>::from(Waived::query());
    let _: QueryFor<Fees> = QueryFor::<Paid>::all_types().into();
    let _ = Paid::query() | Waived::query();
    let _ = QueryFor::from(Paid::query()) | Waived::query();
    let _ = context();
}
