use factos::Event;

#[derive(Event)]
enum Course {}

fn main() {}
