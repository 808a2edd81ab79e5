use factos::Event;

#[derive(Event)]
struct Paid {
    #[tag]
    student: u64,
}

fn main() {
    let _ = Paid::query().studnet(7);
}
