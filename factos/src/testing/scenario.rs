use std::{borrow::Borrow, fmt::Debug};

use super::{report::Report, round_trip};
use crate::{append::NewEvent, decider::Decider, event::Event, query::Query, query_for::QueryFor};

/// A test of a decider: the events accepted so far, a command, and the expected outcome.
///
/// Every event in it is encoded and decoded, and must come back equal. As in a dispatch, the decider sees
/// only the given events that its context selects, the context must cover the guard, and at least one of
/// the decided events must match the guard.
pub fn scenario<D>(decider: &D) -> Scenario<'_, D>
where
    D: Decider<Event: Debug + PartialEq> + ?Sized,
{
    Scenario { decider, given: Vec::new(), may_be_outside: false }
}

/// A [`scenario`] before its command: a decider, and the events accepted so far.
#[derive(Debug)]
#[must_use = "a scenario proves nothing before something is expected of it"]
pub struct Scenario<'a, D: Decider + ?Sized> {
    decider: &'a D,
    given: Vec<D::Event>,
    may_be_outside: bool,
}

impl<D: Decider<Event: Debug + PartialEq> + ?Sized> Scenario<'_, D> {
    /// Adds accepted events, after those given already.
    pub fn given(mut self, events: impl IntoIterator<Item = D::Event>) -> Self {
        self.given.extend(events);
        self
    }

    /// As [`Dispatch::allow_outside_boundary`](crate::Dispatch::allow_outside_boundary).
    pub const fn allow_outside_boundary(mut self) -> Self {
        self.may_be_outside = true;
        self
    }

    /// Lets the decider decide.
    ///
    /// # Panics
    /// If an event does not come back, a query is not valid, the guard is not covered, or the
    /// decided events are outside of the boundary.
    #[must_use = "a scenario proves nothing before something is expected of it"]
    #[track_caller]
    pub fn when(self, command: impl Borrow<D::Command>) -> Outcome<D> {
        let command = command.borrow();
        let context = valid("context", self.decider.context(command));
        let guard = valid("guard", self.decider.guard(command));
        assert!(
            context.covers(&guard),
            "the guard {guard} is not covered by the context {context}"
        );
        let (selected, unselected) = self.given.into_iter().partition::<Vec<_>, _>(|event| {
            let stored = stored(event);
            context.matches(&stored.event_type, &stored.tags)
        });
        let evolve = |state, event: &D::Event| self.decider.evolve(state, event);
        let state = selected.iter().fold(self.decider.initial(), evolve);
        let result = self.decider.decide(&state, command);
        let decided = result.as_deref().unwrap_or_default();
        let batch: Vec<NewEvent> = decided.iter().map(stored).collect();
        let is_inside = |new: &NewEvent| guard.matches(&new.event_type, &new.tags);
        if !batch.is_empty() && !self.may_be_outside && !batch.iter().any(is_inside) {
            let report = Report::new("no event decided upon is inside of the boundary");
            let report = report.section(&format!("boundary {guard}, decided:"), decided);
            panic!("{}", report.into_text());
        }
        let is_selected = |new: &NewEvent| context.matches(&new.event_type, &new.tags);
        let selected_too = decided.iter().zip(&batch).filter(|(_, new)| is_selected(new));
        let state = selected_too.map(|(event, _)| event).fold(state, evolve);
        Outcome { result, state, context, selected, unselected }
    }
}

/// The outcome of a [`scenario`], which is compared with what the test expects.
#[derive(Debug)]
pub struct Outcome<D: Decider + ?Sized> {
    result: Result<Vec<D::Event>, D::Error>,
    state: D::State,
    context: Query,
    selected: Vec<D::Event>,
    unselected: Vec<D::Event>,
}

impl<D> Outcome<D>
where
    D: Decider<Event: Debug + PartialEq, Error: Debug> + ?Sized,
{
    /// Expects these events, in order.
    ///
    /// # Panics
    /// If the outcome is another one, with the events that the decider saw and those that it did not.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = D::Event>) -> Self {
        let expected: Vec<D::Event> = events.into_iter().collect();
        if self.result.as_ref().ok() != Some(&expected) {
            self.fail(Report::default().section("expected the events:", &expected));
        }
        self
    }

    /// Expects that there is nothing to do.
    ///
    /// # Panics
    /// As [`then`](Self::then).
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        self.then([])
    }

    /// Expects a refusal.
    ///
    /// # Panics
    /// As [`then`](Self::then).
    #[track_caller]
    pub fn then_err(self, error: impl Borrow<D::Error>) -> Self
    where
        D::Error: PartialEq,
    {
        let expected = error.borrow();
        if self.result.as_ref().err() != Some(expected) {
            self.fail(Report::default().section("expected the refusal:", &[expected]));
        }
        self
    }

    /// Expects this state after all events that the context selects, the decided ones included.
    ///
    /// # Panics
    /// As [`then`](Self::then).
    #[track_caller]
    pub fn then_state(self, state: impl Borrow<D::State>) -> Self
    where
        D::State: Debug + PartialEq,
    {
        let expected = state.borrow();
        if self.state != *expected {
            let report = Report::default().section("expected the state:", &[expected]);
            self.fail(report.section("actual state:", &[&self.state]));
        }
        self
    }

    /// Looks at the outcome with a function that panics if it expected another one.
    pub fn then_with(self, check: impl FnOnce(Result<&[D::Event], &D::Error>)) -> Self {
        check(self.result.as_deref());
        self
    }

    #[track_caller]
    fn fail(&self, report: Report) -> ! {
        let report = match &self.result {
            Ok(events) => report.section("actual events:", events),
            Err(error) => report.section("actual refusal:", &[error]),
        };
        let selected = format!("selected by the context {}:", self.context);
        let report = report
            .section(&selected, &self.selected)
            .section("given, but not selected:", &self.unselected);
        panic!("the scenario ends otherwise{}", report.into_text());
    }
}

#[track_caller]
fn valid<E: Event>(what: &str, query: QueryFor<E>) -> Query {
    match query.into_query() {
        Ok(query) => query,
        Err(error) => panic!("the {what} is not valid: {error}"),
    }
}

#[track_caller]
fn stored<E: Event + Debug + PartialEq>(event: &E) -> NewEvent {
    let new = round_trip::encoded(event);
    let checked = new.and_then(|new| round_trip::comes_back(event, &new).map(|()| new));
    match checked {
        Ok(new) => new,
        Err(problem) => panic!("{problem}"),
    }
}
