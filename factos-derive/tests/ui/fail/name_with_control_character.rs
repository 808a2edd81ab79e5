use factos::Event;

#[derive(Event)]
enum Course {
    #[event(name = "course\nclosed")]
    Closed,
}

#[derive(Event)]
#[event(prefix = "fee\t")]
struct Paid;

fn main() {}
