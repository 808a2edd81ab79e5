use factos::Event;

#[derive(Event)]
#[event(explicit_names)]
enum Course {
    #[event("course.defined")]
    Defined,
    #[event(version = 2, since = 2)]
    Renamed,
    Closed { at: u64 },
}

#[derive(Event)]
#[event(explicit_names)]
struct Paid;

fn main() {}
