use factos::Event;

#[derive(Event)]
enum Course {
    Closed(),
}

fn main() {}
