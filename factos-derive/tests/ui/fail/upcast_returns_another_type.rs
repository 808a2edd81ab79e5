use factos::{Event, Payload};

#[derive(Payload)]
struct V1 {
    seats: u32,
}

#[derive(Event)]
enum Course {
    #[event(version = 2, upcast(1 = one))]
    Defined { seats: u32 },
    #[event(version = 2, upcast(1 = fallible))]
    Renamed,
    #[event(version = 2, upcast(1 = plain?))]
    Closed,
}

fn one(old: V1) -> V1 {
    old
}

fn fallible(_: V1) -> Result<Course, String> {
    Ok(Course::Closed)
}

fn plain(_: V1) -> Course {
    Course::Closed
}

fn main() {}
