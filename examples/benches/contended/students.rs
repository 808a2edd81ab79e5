use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use factos::{Dispatcher, EventStore, Retry, dispatch};
use factos_examples::course_subscriptions::{Command, Enrolment};

/// Students who all subscribe at once, each to one course. No two boundaries are the same: each is that of the course and of
/// the student.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Students {
    pub(crate) students: usize,
    pub(crate) courses: usize,
    /// Whether one [`Dispatcher`] has them all.
    pub(crate) is_together: bool,
}

impl Students {
    pub(crate) fn name(self) -> String {
        let together = if self.is_together { ", Dispatcher" } else { "" };
        format!("{} students, courses: {}{together}", self.students, self.courses)
    }

    /// Offers the courses.
    pub(crate) async fn prepare(self, store: &dyn EventStore, term: &str) {
        for course in 0..self.courses {
            let define =
                Command::Define { course: format!("{term}-{course}"), capacity: self.students };
            dispatch(store, &Enrolment).run(&define).await.unwrap();
        }
    }

    /// The command of a student.
    pub(crate) fn command(self, term: &str, student: usize) -> Command {
        Command::Subscribe {
            course: format!("{term}-{}", student % self.courses),
            student: format!("{term}-{student}"),
        }
    }
}

pub(crate) type School = Dispatcher<Arc<dyn EventStore>, Enrolment>;

/// Subscribes to a course, by a dispatch of its own unless there is a `school`.
pub(crate) async fn subscribe(
    store: &dyn EventStore,
    school: Option<&School>,
    command: Command,
    attempts: &AtomicU32,
) {
    let retry = Retry::attempts(u32::MAX);
    let done = match school {
        Some(school) => school.dispatch().retry(retry).run(command).await.unwrap().attempts,
        None => dispatch(store, &Enrolment).retry(retry).run(&command).await.unwrap().attempts,
    };
    attempts.fetch_add(done, Ordering::Relaxed);
}
