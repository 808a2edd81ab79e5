use factos::{Event, Payload};

#[derive(Payload)]
struct V1 {
    seats: String,
}

#[derive(Payload)]
struct V2 {
    seats: u32,
}

#[derive(Payload)]
struct Other;

#[derive(Event)]
enum Course {
    #[event(version = 3, upcast(1 = one, 2 = steps::two))]
    Defined { seats: u32 },
    Closed,
}

fn one(old: V1) -> V2 {
    V2 { seats: old.seats.len() as u32 }
}

mod steps {
    pub fn two(_: super::Other) -> super::Course {
        super::Course::Closed
    }
}

fn main() {}
