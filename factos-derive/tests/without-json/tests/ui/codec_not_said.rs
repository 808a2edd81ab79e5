use factos::Event;

#[derive(Event)]
enum Course {
    Defined { seats: u32 },
}

fn main() {
    let event = Course::Defined { seats: 1 };
    let _ = (event.encode(), event.tags(), event.kind());
}
