use factos::Event;

#[derive(Event)]
#[event(rename_all = "kebab-case")]
enum Course {
    SeatSold,
    #[event("seat-sold")]
    Sold,
    #[event(name = "void")]
    A,
    #[event(name = "void")]
    B,
}

fn main() {}
