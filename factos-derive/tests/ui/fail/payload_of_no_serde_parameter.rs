use factos::{Event, Payload};

struct NoSerde;

#[derive(Payload)]
struct Page<T> {
    first: T,
}

#[derive(Event)]
enum Book {
    Paged(Page<NoSerde>),
}

fn main() {}
