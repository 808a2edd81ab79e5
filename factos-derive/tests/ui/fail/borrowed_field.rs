use factos::Event;

#[derive(Event)]
enum Course {
    Closed { by: &'static str },
}

fn main() {}
