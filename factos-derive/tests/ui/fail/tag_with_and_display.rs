use factos::Event;

#[derive(Event)]
enum Course {
    Defined {
        #[tag(with = hours, display)]
        hours: f64,
        #[tag(display, with = hours)]
        #[tag("again", display)]
        days: f64,
    },
}

fn main() {}
