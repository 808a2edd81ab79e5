use factos::{Event, QueryFor};

#[derive(Debug, Event)]
struct Paid {
    #[tag]
    by: u64,
}

#[derive(Debug, Event)]
#[event(kind = Which, query = Asking)]
enum Course {
    #[event(verison = 2, upcast(1 = one))]
    Defined {
        #[tag("course")]
        id: f64,
        #[tag(with = missing, display)]
        by: u64,
    },
    #[event(flatten)]
    Paid(Paid),
    Closed,
}

fn is_event<E: Event>(event: &E) -> u32 {
    event.version()
}

fn main() {
    let _: QueryFor<Course> = Paid::query().by(1).widen();
    let query: Asking = Course::query().course(1.0);
    let _: QueryFor<Course> = query | Course::query();
    let which: Which = Course::Closed.kind();
    let _ = which == Which::Paid;
    let paid = Paid::try_from(Course::from(Paid { by: 1 }));
    let _ = paid.map(|paid| is_event(&paid));
    let _ = (Course::Closed.encode(), Course::Closed.tags(), is_event(&Course::Closed));
}
