use factos::Event;

#[derive(Event)]
enum Course {
    Defined {
        #[tag]
        course: String,
        #[tag("a:b")]
        seats: u32,
    },
}

fn main() {
    let course = Course::Defined {
        course: String::new(),
        seats: 1,
    };
    let _ = (course.tags(), course.encode());
    let query = Course::query().course("c") | Course::query().course("d");
    let _ = query.into_query();
}
