use factos::Event;

#[derive(Event)]
#[event("course", version = 2, flatten, tags_with = path, alias = "x")]
enum Course {
    #[event(prefix = "x.", rename_all = "kebab-case", kind = Kind, codec = Json)]
    Closed,
}

#[derive(Event)]
#[event(flatten, kind = Kind)]
struct Paid;

fn main() {}
