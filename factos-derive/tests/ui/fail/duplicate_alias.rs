use factos::Event;

#[derive(Event)]
#[event(prefix = "course.")]
enum Course {
    #[event(alias = "Opened", alias = "course.Closed")]
    Defined,
    #[event(alias = "Opened")]
    Closed,
    #[event("one", alias = "one")]
    One,
    #[event(alias = "")]
    Two,
    #[event(alias = "a\tb")]
    Three,
}

fn main() {}
