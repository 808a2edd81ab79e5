#[derive(Event)]
#[event(kind = Which, query = Asking)]
enum Subset {
    #[event(flatten)]
    Paid(FeePaid),
    #[event(flatten)]
    Course(school::Course),
}
