use factos::Event;

#[derive(Event)]
enum Course {
    Closed,
}

impl Course {
    fn kind(&self) -> u8 {
        1
    }

    fn query() -> u8 {
        1
    }
}

fn main() {}
