use factos::Event;

#[derive(Event)]
struct Paid<'a> {
    by: &'a str,
}

fn main() {}
