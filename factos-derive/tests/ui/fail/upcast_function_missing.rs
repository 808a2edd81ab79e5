use factos::{Event, Payload};

#[derive(Payload)]
struct V1;

#[derive(Event)]
enum Course {
    #[event(version = 2, upcast(1 = missing))]
    Defined,
    #[event(version = 2, upcast(1 = two_parameters))]
    Renamed,
}

fn two_parameters(_: V1, _: u8) -> Course {
    Course::Renamed
}

fn main() {}
