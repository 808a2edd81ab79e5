//! Calls that must not allocate.

use allocation_counter::measure;
use factos::Event;

#[derive(Debug, PartialEq, Event)]
#[event(prefix = "school.", rename_all = "kebab-case")]
enum Course {
    Defined {
        #[tag]
        course: String,
    },
    #[event(flatten)]
    Paid(Paid),
    Closed,
}

#[derive(Debug, PartialEq, Event)]
#[event("fee.paid", version = 2, since = 2)]
struct Paid {
    cents: u64,
}

#[test]
fn neither_the_type_nor_the_version_of_an_event_is_allocated() {
    let events =
        [Course::Defined { course: "c".into() }, Course::Paid(Paid { cents: 1 }), Course::Closed];
    let mut last = 0;
    let allocated = measure(|| {
        for event in &events {
            let name = event.event_type();
            last = name.as_str().len() + event.version() as usize + event.kind() as usize;
        }
    });
    assert_eq!(allocated.count_total, 0);
    assert_eq!(last, "school.closed".len() + 1 + 2);
    let allocated = measure(|| drop(events[0].encode()));
    assert!(allocated.count_total > 0, "the counter counts");
}

#[test]
fn an_event_without_tags_and_an_unknown_type_allocate_nothing() {
    let paid = Paid { cents: 1 };
    assert_eq!(measure(|| drop(paid.tags())).count_total, 0);
    let unknown = factos::EventType::from_static("unknown");
    let allocated = measure(|| assert!(Course::decode(&unknown, 1, b"{}").is_err()));
    assert_eq!(allocated.count_total, 0);
    let known = factos::EventType::from_static("fee.paid");
    let read = measure(|| assert!(Course::decode(&known, 2, br#"{"cents":1}"#).is_ok()));
    assert_eq!(read.count_total, 0);
}
