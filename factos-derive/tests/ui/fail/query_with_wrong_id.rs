use factos::{Event, Payload, TagValue};

#[derive(TagValue, Payload)]
struct CourseId(u64);

#[derive(TagValue, Payload)]
struct StudentId(u64);

#[derive(Event)]
struct Enrolled {
    #[tag]
    course: CourseId,
    #[tag]
    student: Option<StudentId>,
    #[tag]
    seat: u32,
}

fn main() {
    let (course, student) = (CourseId(1), StudentId(2));
    let _ = Enrolled::query().student(&course);
    let _ = Enrolled::query().course(course);
    let _ = Enrolled::query().seat(5_u64);
    let _ = Enrolled::query().student(&student);
}
