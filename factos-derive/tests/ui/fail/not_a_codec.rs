use factos::Event;

struct Yaml;

#[derive(Event)]
#[event(codec = Yaml)]
enum Course {
    Closed,
}

fn main() {}
