use factos::{Event, QueryFor};

#[derive(Event)]
struct Paid {
    #[tag]
    by: u64,
}

#[derive(Event)]
enum Course {
    Closed,
}

fn main() {
    let _: QueryFor<Course> = Paid::query().by(1).widen();
}
