use factos::Event;

#[derive(Event)]
#[event(prefx = "x.", kind = Kind)]
enum Course {
    #[event("closed", verison = 2)]
    Closed,
    #[event(alias = "Started", since = 2)]
    Opened {
        #[tag(kee = "by")]
        a: u8,
        #[tag(with = path)]
        b: u8,
    },
}

fn main() {}
