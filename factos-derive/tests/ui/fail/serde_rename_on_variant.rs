use factos::Event;

#[derive(Event)]
enum Course {
    #[serde(rename = "closed")]
    Closed,
    #[serde(alias = "Started")]
    Opened,
    #[serde(rename = "moved")]
    #[event("moved")]
    Moved,
}

fn main() {}
