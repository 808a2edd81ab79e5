use factos::Event;

#[derive(Event)]
#[event(rename_all = "kebab")]
enum Course {
    Closed,
}

fn main() {}
