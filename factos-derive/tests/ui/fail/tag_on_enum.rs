use factos::Event;

#[derive(Event)]
#[tag]
enum Course {
    Closed,
}

fn main() {}
