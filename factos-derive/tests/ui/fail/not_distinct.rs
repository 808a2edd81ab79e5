use factos::Event;

#[derive(Event)]
enum Course {
    Opened,
    #[event(alias = "Ended")]
    Closed,
}

#[derive(Event)]
struct Ended;

factos::assert_distinct!(Course, Ended);

fn main() {}
