use factos::Event;

#[derive(Event)]
#[event(kind = CourseQuery)]
enum Course {
    Closed,
}

#[derive(Event)]
#[event(kind = Which, query = Which)]
enum Fee {
    Paid,
}

fn main() {
    let _: CourseKind = Course::Closed.kind();
    let _: FeeQuery = Fee::query();
}
