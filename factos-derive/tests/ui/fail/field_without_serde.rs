use factos::Event;

struct Note(String);

#[derive(Event)]
enum Course {
    Noted { note: Note },
}

fn main() {}
