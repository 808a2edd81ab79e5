use factos::{Event, JsonValue};

#[derive(Event)]
enum Course {
    #[event(version = 2, upcast_json(1 = plain))]
    Defined,
    #[event(version = 2, upcast_json(1 = of_text))]
    Renamed,
}

fn plain(old: JsonValue) -> JsonValue {
    old
}

fn of_text(old: String) -> Result<JsonValue, String> {
    Ok(old.into())
}

fn main() {}
