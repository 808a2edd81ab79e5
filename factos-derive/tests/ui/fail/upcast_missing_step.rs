use factos::Event;

#[derive(Event)]
enum Course {
    #[event(version = 3, upcast(1 = one))]
    Defined,
    #[event(version = 4, upcast(2 = two, 3 = three))]
    Renamed,
    #[event(version = 2)]
    Closed,
    #[event(version = 4000000000, since = 7)]
    Counted,
}

#[derive(Event)]
#[event("fee.paid", version = 3, since = 2)]
struct Paid;

fn main() {}
