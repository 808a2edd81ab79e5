use factos::Event;

#[derive(Event)]
enum Course {
    Defined(String, u32),
}

fn main() {}
