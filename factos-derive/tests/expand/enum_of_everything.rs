/// A course.
#[derive(Event)]
#[event(prefix = "school.", rename_all = "kebab-case")]
pub enum Course {
    #[event(version = 4, alias = "Created", upcast_json(1 = one), upcast(2 = two, 3 = three?))]
    Defined {
        #[tag]
        course: CourseId,
        #[tag("seats", display)]
        #[serde(default)]
        seats: u32,
    },
    #[event("noted", tags_with = note_tags)]
    Noted(Note),
    #[event(flatten)]
    Billing(Billing),
    Closed,
}
