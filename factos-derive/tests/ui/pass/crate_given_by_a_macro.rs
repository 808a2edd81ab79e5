//! A macro that names factos for the types that it makes.
#![deny(warnings)]

pub mod facade {
    pub use factos;
}

macro_rules! make {
    ($vis:vis $module:ident, $factos:path) => {
        $vis mod $module {
            #[derive(Debug, $crate::facade::factos::TagValue, $crate::facade::factos::Payload)]
            #[event(crate = $factos)]
            pub struct Id(pub u64);

            #[derive(Debug, $crate::facade::factos::Event)]
            #[event(crate = $crate::facade::factos)]
            pub struct Paid {
                #[tag]
                pub id: Id,
                #[tag(with = text_of)]
                pub cents: u64,
            }

            fn text_of(cents: &u64) -> String {
                cents.to_string()
            }

            #[derive(Debug, $crate::facade::factos::Event)]
            #[event(crate = $factos)]
            pub enum Course {
                Defined {
                    #[tag]
                    id: Id,
                    #[tag(display)]
                    seats: Option<u64>,
                },
                #[event(flatten)]
                Paid(Paid),
            }
        }
    };
}

make!(pub one, factos);
make!(pub(crate) two, crate::facade::factos);

fn main() {
    let event = one::Course::Defined { id: one::Id(1), seats: Some(2) };
    assert_eq!(event.kind(), one::CourseKind::Defined);
    assert_eq!(
        two::Course::Paid(two::Paid { id: two::Id(1), cents: 1 }).kind(),
        two::CourseKind::Paid
    );
    let _ = two::Course::query().id(&two::Id(1)).only([two::CourseKind::Paid]);
    let _ = two::Course::Defined { id: two::Id(1), seats: None };
}
