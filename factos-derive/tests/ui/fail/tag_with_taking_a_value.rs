use factos::Event;

#[derive(Event)]
enum Course {
    Moved {
        #[tag(with = text)]
        room: u8,
    },
}

fn text(room: u8) -> String {
    room.to_string()
}

fn main() {}
