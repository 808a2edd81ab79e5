use factos::Event;

#[derive(Event)]
enum Course<T> {
    Defined { seats: T },
}

fn encode(course: &Course<u8>) {
    let _ = course.encode();
}

fn main() {}
