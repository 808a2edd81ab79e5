use factos::Event;

#[derive(Event)]
#[event(explicit_names = true, kind = "Kind", query = 1, codec = 5)]
enum Course {
    #[event(name "closed", version 2)]
    Closed {
        #[tag(display = true)]
        at: u64,
        #[tag(with)]
        by: u64,
        #[tag(with = |x| x)]
        to: u64,
    },
}

fn main() {}
