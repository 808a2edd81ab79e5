use factos::Event;

#[derive(Event)]
struct Paid;

#[derive(Event)]
enum Course {
    #[event(flatten)]
    Unit,
    #[event(flatten)]
    Named { paid: Paid },
    #[event(flatten)]
    Two(Paid, Paid),
    #[event(flatten)]
    None(),
    #[event(flatten = true)]
    Value(Paid),
}

#[derive(Event)]
#[event(flatten)]
struct Struct {
    paid: u8,
}

fn main() {}
