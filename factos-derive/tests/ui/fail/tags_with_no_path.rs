use factos::Event;

#[derive(Event)]
enum Course {
    #[event(tags_with = "path")]
    Opened,
    #[event(tags_with)]
    Closed,
}

fn main() {}
