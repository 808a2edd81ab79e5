fn main() {
    use factos::{Event, EventType, Payload, QueryFor, TagValue};

    #[derive(Debug, PartialEq, TagValue, Payload)]
    struct CourseId(u8);

    #[derive(Debug, PartialEq, Event)]
    enum Course {
        Defined {
            #[tag]
            course: CourseId,
        },
    }

    let event = Course::Defined { course: CourseId(1) };
    let name = EventType::from_static("Defined");
    assert_eq!(Course::decode(&name, 1, &event.encode().unwrap()).unwrap(), event);
    let query = QueryFor::from(Course::query().course(&CourseId(1)));
    assert!(query.into_query().unwrap().matches(&name, &event.tags().unwrap()));
    {
        #[derive(Event)]
        struct Course;
        assert_eq!(Course.event_type(), "Course");
    }
}
