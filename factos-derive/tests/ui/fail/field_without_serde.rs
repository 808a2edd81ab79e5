use factos::{Event, Payload};

struct Note(String);

#[derive(factos::Payload)]
struct Room {
    number: u8,
    notes: Vec<Note>,
}

#[derive(Event)]
enum Course {
    Noted { note: Note, again: Note, room: Room },
    Held(Note),
}

#[derive(Event)]
struct Paid {
    cents: u64,
    note: Option<Note>,
}

#[derive(Payload)]
enum Held {
    Note(Note),
}

fn main() {
    let noted = Course::Held(Note(String::new()));
    let _ = (noted.encode(), noted.event_type(), noted.kind());
    let paid = Paid { cents: 1, note: None };
    let _ = (paid.encode(), Paid::decode(&paid.event_type(), 1, b""));
}
