use factos::Event;

#[derive(Event)]
struct Paid;

#[derive(Event)]
enum Billing {
    #[event(flatten)]
    Paid(Paid),
}

#[derive(Event)]
enum Course {
    #[event(flatten)]
    Billing(Billing),
    #[event(flatten)]
    Paid(Paid),
}

fn main() {}
