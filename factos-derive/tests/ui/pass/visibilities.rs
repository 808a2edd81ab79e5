//! Kinds and queries are as visible as their event, in any module.
#![deny(warnings)]

mod school {
    use factos::Event;

    #[derive(Event)]
    pub enum Open {
        Closed,
    }

    #[derive(Event)]
    pub(crate) enum OfCrate {
        Closed,
    }

    #[derive(Event)]
    #[event(kind = Which, query = Asked)]
    pub(super) enum OfParent {
        Closed,
    }

    #[derive(Event)]
    pub(self) enum Own {
        Closed,
    }

    #[derive(Event)]
    enum Private {
        Closed,
    }

    pub mod inner {
        #[derive(factos::Event)]
        pub(in super::super) enum OfGrandparent {
            Closed,
        }

        #[derive(factos::Event)]
        pub(in crate::school) enum OfSchool {
            Closed,
        }
    }

    mod tests {
        use super::*;

        // Hides the private one, which the line above imports.
        #[derive(Event)]
        pub(super) struct Private {
            #[tag]
            id: u8,
        }

        pub(super) fn event() -> Private {
            let _: PrivateQuery = Private::query().id(1);
            let _: OwnKind = Own::Closed.kind();
            Private { id: 1 }
        }
    }

    pub(super) fn all() {
        use PrivateKind::*;

        assert!(matches!(Private::Closed.kind(), Closed));
        assert_eq!(Own::Closed.kind(), OwnKind::Closed);
        assert_eq!(tests::event().tags().unwrap().len(), 1);
        let _: inner::OfSchoolKind = inner::OfSchool::Closed.kind();
        let _: PrivateQuery = Private::query();
    }
}

fn main() {
    use factos::Event;
    use school::{inner, Asked, OpenKind, Which};

    school::all();
    let _: OpenKind = school::Open::Closed.kind();
    let _: school::OfCrateKind = school::OfCrate::Closed.kind();
    let _: Which = school::OfParent::Closed.kind();
    let _: Asked = school::OfParent::query();
    let _: inner::OfGrandparentQuery = inner::OfGrandparent::query();

    #[derive(Event)]
    enum Course {
        Closed,
    }
    let closed = || {
        #[derive(Event)]
        #[event(kind = CourseQuery, query = CourseKind)]
        enum Course {
            Closed,
        }
        let _: CourseKind = Course::query();
        Course::Closed.kind() == CourseQuery::Closed
    };
    assert!(closed());
    assert_eq!(Course::Closed.kind(), CourseKind::Closed);
    assert_eq!(format!("{:?}", Course::query()), "CourseQuery([])");
}
