use factos::Event;

#[derive(Event)]
enum Course {
    #[event(name = "course\nclosed")]
    Closed,
}

fn main() {}
