use factos::{Event, Payload, TagValue};

#[derive(TagValue, Payload)]
struct StudentId(u64);

#[derive(Event)]
struct Paid {
    #[tag]
    student: String,
}

#[derive(Event)]
enum Billing {
    #[event(flatten)]
    Paid(Paid),
    Closed,
}

#[derive(Event)]
enum School {
    Enrolled {
        #[tag]
        student: StudentId,
    },
    #[event(flatten)]
    Billing(Billing),
}

fn main() {}
