use factos::Event;

#[derive(Event)]
#[event(prefix = "x.", prefix = "y.")]
enum Course {
    #[event("closed", version = 1)]
    #[event(version = 2)]
    Closed,
    #[event("opened", name = "opened")]
    Opened {
        #[tag(key = "a", key = "b")]
        a: u8,
    },
}

fn main() {}
