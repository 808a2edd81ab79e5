use factos::{Event, Payload};

#[derive(Payload)]
struct Note;

#[derive(Event)]
enum Course {
    #[event(tags_with = of_note)]
    Closed,
    #[event(tags_with = one_text)]
    Noted(Note),
}

fn of_note(_: &Note) -> Vec<(&'static str, String)> {
    Vec::new()
}

fn one_text(_: &Note) -> String {
    String::new()
}

fn main() {}
