//! A rule across two entities: a course has room for so many students, and a student for so many courses.
//!
//! No aggregate owns a subscription. Its boundary is both: what happened to the course, or to the student.

use factos::{Decider, Event, QueryFor};

/// So many courses a student can take.
pub const COURSES_PER_STUDENT: usize = 3;

/// What can happen.
#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "school.")]
pub enum Course {
    /// A course is offered.
    Defined {
        /// Which.
        #[tag]
        course: String,
        /// How many students it has room for.
        capacity: usize,
    },
    /// A course has more or less room.
    CapacityChanged {
        /// Which.
        #[tag]
        course: String,
        /// How many students it has room for now.
        capacity: usize,
    },
    /// A student takes part.
    StudentSubscribed {
        /// In what.
        #[tag]
        course: String,
        /// Who.
        #[tag]
        student: String,
    },
}

/// What can be asked for.
#[derive(Debug, Clone)]
pub enum Command {
    /// To offer a course.
    Define {
        /// Which.
        course: String,
        /// For how many students.
        capacity: usize,
    },
    /// To give a course more or less room.
    ChangeCapacity {
        /// Which.
        course: String,
        /// For how many students.
        capacity: usize,
    },
    /// To take part.
    Subscribe {
        /// In what.
        course: String,
        /// Who.
        student: String,
    },
}

/// Why it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is a course of this name.
    CourseExists,
    /// There is no course of this name.
    NoSuchCourse,
    /// It has room for so many already.
    NothingChanges,
    /// More students take part than there would be room for.
    MoreStudentsThanThat,
    /// Every seat is taken.
    CourseIsFull,
    /// The student takes part.
    SubscribedAlready,
    /// The student takes part in as many courses as one can.
    TooManyCourses,
}

/// The facts about one command.
#[derive(Debug, Default, PartialEq, Eq)]
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
    fn a_course_takes_so_many_students() {
        let given = [defined("c1", 2), subscribed("c1", "ann"), subscribed("c2", "joe")];
        let story = scenario(&Enrolment).given(given);
        story.when(subscribe("c1", "bob")).then([subscribed("c1", "bob")]);
        let given = [defined("c1", 1), subscribed("c1", "ann")];
        let story = scenario(&Enrolment).given(given);
        story.when(subscribe("c1", "bob")).then_err(Refusal::CourseIsFull);
        scenario(&Enrolment).when(subscribe("c1", "bob")).then_err(Refusal::NoSuchCourse);
    }

    #[test]
    fn room_is_changed_but_not_below_those_who_take_part() {
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
    fn a_student_takes_so_many_courses_and_each_once() {
        let taken = (0..COURSES_PER_STUDENT).map(|n| subscribed(&format!("t{n}"), "ann"));
        let story = || scenario(&Enrolment).given([defined("c1", 9)]).given(taken.clone());
        story().when(subscribe("c1", "ann")).then_err(Refusal::TooManyCourses);
        story().when(subscribe("c1", "bob")).then([subscribed("c1", "bob")]);
        let story = scenario(&Enrolment).given([defined("c1", 9), subscribed("c1", "ann")]);
        story.when(subscribe("c1", "ann")).then_err(Refusal::SubscribedAlready);
    }
}
