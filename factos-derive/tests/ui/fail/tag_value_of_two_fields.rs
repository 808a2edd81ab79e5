use factos::TagValue;

#[derive(TagValue)]
struct Seat {
    row: u8,
    number: u8,
}

#[derive(TagValue)]
struct Nothing;

#[derive(TagValue)]
enum Kind {
    A,
}

fn main() {}
