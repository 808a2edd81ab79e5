#[derive(Event)]
#[event("fee.paid", crate = crate::renamed, codec = crate::Cbor)]
struct FeePaid {
    #[tag]
    student: StudentId,
    #[tag(key = "year", with = year_of)]
    at: Date,
    cents: i64,
}
