use factos::Event;

#[derive(Event)]
#[event("course", version = 2)]
enum Course {
    #[event(prefix = "x.")]
    Closed,
}

fn main() {}
