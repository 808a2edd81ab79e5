use factos::{Event, Payload};

#[derive(Payload)]
struct CourseId(String);

#[derive(Event)]
struct CourseDefined {
    #[tag]
    course: CourseId,
}

fn main() {}
