use factos::Event;

#[derive(Event)]
#[event]
enum Course {
    #[event = "closed"]
    Closed,
    #[event(1)]
    Opened,
    #[event(name)]
    Moved,
    #[event(name("x"))]
    Renamed,
    #[event(+)]
    Split {
        #[tag = "by"]
        a: u8,
    },
}

fn main() {}
