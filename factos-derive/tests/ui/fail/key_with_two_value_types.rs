use factos::Event;

type Name = String;

#[derive(Event)]
enum Course {
    Defined {
        #[tag]
        course: Name,
    },
    Renamed {
        #[tag]
        course: Option<String>,
    },
    Closed {
        #[tag]
        course: u32,
    },
}

fn main() {}
