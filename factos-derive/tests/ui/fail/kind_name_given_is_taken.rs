use factos::Event;

#[derive(Debug)]
enum Which {
    Closed,
}

#[derive(Event)]
#[event(kind = Which)]
enum Course {
    Closed,
}

fn main() {
    struct CourseQuery(u8);

    #[derive(Event)]
    enum Course {
        Closed,
    }

    let _ = crate::Course::query() | crate::Course::query();
    let _ = Course::query() | Course::query();
}
