use factos::Event;

struct CourseQuery;

#[derive(Event)]
enum Course {
    Closed,
}

fn main() {}
