use factos::Event;

#[derive(Event)]
#[event(prefix = "school.")]
enum Billing {
    Paid,
    #[event(alias = "school.Left")]
    Ended,
}

#[derive(Event)]
#[event(prefix = "school.")]
enum Course {
    #[event(flatten)]
    Billing(Billing),
    Paid,
}

#[derive(Event)]
#[event("school.Left")]
struct Left;

#[derive(Event)]
enum ByAlias {
    #[event(flatten)]
    Billing(Billing),
    #[event(flatten)]
    Left(Left),
}

fn main() {}
