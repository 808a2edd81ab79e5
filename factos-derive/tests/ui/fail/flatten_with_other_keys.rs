use factos::Event;

#[derive(Event)]
struct Paid;

#[derive(Event)]
struct Closed;

#[derive(Event)]
enum Course {
    #[event(flatten, version = 2, upcast(1 = one))]
    Paid(Paid),
    #[event("closed", flatten, alias = "Ended", tags_with = tags)]
    Closed(Closed),
}

fn main() {}
