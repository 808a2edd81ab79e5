use factos::Event;

struct CourseKind;

#[derive(Event)]
enum Course {
    Closed,
}

fn main() {}
