//! A rule across two entities: a course takes a limited number of students, and a student takes a limited
//! number of courses.
//!
//! No aggregate owns a subscription. Its boundary is both: the events of the course and those of the
//! student.

use factos::{Decider, Event, QueryFor, serde::Serialize};

/// How many courses a student can take.
pub const COURSES_PER_STUDENT: usize = 3;

/// What can happen to courses and students.
#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "school.")]
pub enum Course {
    /// A course is offered.
    Defined {
        /// The course.
        #[tag]
        course: String,
        /// How many students it takes.
        capacity: usize,
    },
    /// A course takes more or fewer students.
    CapacityChanged {
        /// The course.
        #[tag]
        course: String,
        /// How many students it takes from now on.
        capacity: usize,
    },
    /// A student subscribes to a course.
    StudentSubscribed {
        /// The course.
        #[tag]
        course: String,
        /// The student.
        #[tag]
        student: String,
    },
}

/// The commands. They serialize, so that a fingerprint can be made of one.
#[derive(Debug, Clone, Serialize)]
#[serde(crate = "factos::serde")]
pub enum Command {
    /// Offer a course.
    Define {
        /// The course.
        course: String,
        /// How many students it takes.
        capacity: usize,
    },
    /// Let a course take more or fewer students.
    ChangeCapacity {
        /// The course.
        course: String,
        /// How many students it takes from now on.
        capacity: usize,
    },
    /// Subscribe a student to a course.
    Subscribe {
        /// The course.
        course: String,
        /// The student.
        student: String,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is a course of this name.
    #[error("there is a course of this name")]
    CourseExists,
    /// There is no course of this name.
    #[error("there is no course of this name")]
    NoSuchCourse,
    /// The course has this capacity already.
    #[error("the course has this capacity already")]
    NothingChanges,
    /// More students have subscribed than the new capacity allows.
    #[error("more students have subscribed than the new capacity allows")]
    MoreStudentsThanThat,
    /// Every seat is taken.
    #[error("every seat is taken")]
    CourseIsFull,
    /// The student has subscribed to this course already.
    #[error("the student has subscribed to this course already")]
    SubscribedAlready,
    /// The student takes as many courses as one can.
    #[error("the student takes as many courses as one can")]
    TooManyCourses,
}

/// The facts about one command.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct State {
    capacity: Option<usize>,
    subscriptions: Vec<(String, String)>,
}

/// Decides about all three commands.
#[derive(Debug)]
pub struct Enrolment;

impl Decider for Enrolment {
    type Command = Command;
    type Event = Course;
    type State = State;
    type Error = Refusal;

    fn initial(&self) -> State {
        State::default()
    }

    fn evolve(&self, mut state: State, event: &Course) -> State {
        match event {
            Course::Defined { capacity, .. } | Course::CapacityChanged { capacity, .. } => {
                state.capacity = Some(*capacity);
            }
            Course::StudentSubscribed { course, student } => {
                state.subscriptions.push((course.clone(), student.clone()));
            }
        }
        state
    }

    fn decide(&self, state: &State, command: &Command) -> Result<Vec<Course>, Refusal> {
        match command.clone() {
            Command::Define { course, capacity } => match state.capacity {
                Some(_) => Err(Refusal::CourseExists),
                None => Ok(vec![Course::Defined { course, capacity }]),
            },
            Command::ChangeCapacity { course, capacity } => {
                let old = state.capacity.ok_or(Refusal::NoSuchCourse)?;
                match () {
                    () if old == capacity => Err(Refusal::NothingChanges),
                    () if state.subscriptions.len() > capacity => {
                        Err(Refusal::MoreStudentsThanThat)
                    }
                    () => Ok(vec![Course::CapacityChanged { course, capacity }]),
                }
            }
            Command::Subscribe { course, student } => state.subscribe(course, student),
        }
    }

    fn context(&self, command: &Command) -> QueryFor<Course> {
        match command {
            Command::Define { course, .. } | Command::ChangeCapacity { course, .. } => {
                Course::query().course(course).into()
            }
            Command::Subscribe { course, student } => {
                Course::query().course(course) | Course::query().student(student)
            }
        }
    }
}

impl State {
    fn subscribe(&self, course: String, student: String) -> Result<Vec<Course>, Refusal> {
        let capacity = self.capacity.ok_or(Refusal::NoSuchCourse)?;
        let of_course = self.subscriptions.iter().filter(|(c, _)| *c == course);
        let of_student = self.subscriptions.iter().filter(|(_, s)| *s == student);
        if of_course.clone().any(|(_, s)| *s == student) {
            return Err(Refusal::SubscribedAlready);
        }
        if of_course.count() >= capacity {
            return Err(Refusal::CourseIsFull);
        }
        if of_student.count() >= COURSES_PER_STUDENT {
            return Err(Refusal::TooManyCourses);
        }
        Ok(vec![Course::StudentSubscribed { course, student }])
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::scenario;

    use super::*;

    fn defined(course: &str, capacity: usize) -> Course {
        Course::Defined { course: course.into(), capacity }
    }

    fn subscribed(course: &str, student: &str) -> Course {
        Course::StudentSubscribed { course: course.into(), student: student.into() }
    }

    fn subscribe(course: &str, student: &str) -> Command {
        Command::Subscribe { course: course.into(), student: student.into() }
    }

    #[test]
    fn a_course_is_defined_once() {
        let define = || Command::Define { course: "c1".into(), capacity: 2 };
        scenario(&Enrolment).given([defined("c2", 1)]).when(define()).then([defined("c1", 2)]);
        let story = scenario(&Enrolment).given([defined("c1", 9)]);
        story.when(define()).then_err(Refusal::CourseExists);
    }

    #[test]
    fn a_course_takes_as_many_students_as_its_capacity() {
        let given = [defined("c1", 2), subscribed("c1", "ann"), subscribed("c2", "joe")];
        let story = scenario(&Enrolment).given(given);
        story.when(subscribe("c1", "bob")).then([subscribed("c1", "bob")]);
        let given = [defined("c1", 1), subscribed("c1", "ann")];
        let story = scenario(&Enrolment).given(given);
        story.when(subscribe("c1", "bob")).then_err(Refusal::CourseIsFull);
        scenario(&Enrolment).when(subscribe("c1", "bob")).then_err(Refusal::NoSuchCourse);
    }

    #[test]
    fn the_capacity_is_changed_but_not_below_the_number_of_subscriptions() {
        let change = |capacity| Command::ChangeCapacity { course: "c1".into(), capacity };
        let given = || [defined("c1", 2), subscribed("c1", "ann"), subscribed("c1", "bob")];
        let changed = Course::CapacityChanged { course: "c1".into(), capacity: 3 };
        let story = || scenario(&Enrolment).given(given());
        story().when(change(3)).then([changed.clone()]);
        story().when(change(2)).then_err(Refusal::NothingChanges);
        story().when(change(1)).then_err(Refusal::MoreStudentsThanThat);
        scenario(&Enrolment).when(change(1)).then_err(Refusal::NoSuchCourse);
        story().given([changed]).when(subscribe("c1", "joe")).then([subscribed("c1", "joe")]);
    }

    #[test]
    fn a_student_takes_a_limited_number_of_courses_and_each_once() {
        let taken = (0..COURSES_PER_STUDENT).map(|n| subscribed(&format!("t{n}"), "ann"));
        let story = || scenario(&Enrolment).given([defined("c1", 9)]).given(taken.clone());
        story().when(subscribe("c1", "ann")).then_err(Refusal::TooManyCourses);
        story().when(subscribe("c1", "bob")).then([subscribed("c1", "bob")]);
        let story = scenario(&Enrolment).given([defined("c1", 9), subscribed("c1", "ann")]);
        story.when(subscribe("c1", "ann")).then_err(Refusal::SubscribedAlready);
    }
}
