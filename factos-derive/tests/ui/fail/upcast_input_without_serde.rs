use factos::Event;

struct V1 {
    seats: u32,
}

#[derive(Event)]
enum Course {
    #[event(version = 2, upcast(1 = one))]
    Defined { seats: u32 },
}

fn one(old: V1) -> Course {
    Course::Defined { seats: old.seats }
}

fn main() {}
