use factos::{Event, Payload};

#[derive(Payload)]
struct Note(String);

impl Note {
    fn text(self) -> String {
        self.0
    }
}

#[derive(Event)]
enum Course {
    Moved {
        #[tag(with = text)]
        room: u8,
    },
    Renamed {
        #[tag("to", with = Vec::len, value = usize)]
        #[tag("title", with = title, value = String)]
        words: Vec<String>,
    },
    Noted(#[tag("note", with = Note::text)] Note),
    #[event(tags_with = pairs)]
    Closed,
    #[event(tags_with = note_pairs)]
    Kept(Note),
}

fn text(room: u8) -> String {
    room.to_string()
}

fn title(words: Vec<String>) -> String {
    words.concat()
}

fn pairs(_: Course) -> Option<(&'static str, String)> {
    None
}

fn note_pairs(note: Note) -> Option<(&'static str, String)> {
    Some(("note", note.0))
}

fn main() {}
