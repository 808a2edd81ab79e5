//! The testing kit, and what it says when a scenario fails.
#![cfg(all(feature = "derive", feature = "json"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use factos::{
    Decider, Event, QueryFor,
    testing::{assert_comes_back, assert_each_comes_back, assert_schema_snapshot, scenario},
};

#[derive(Debug, PartialEq, Event)]
enum Ticketing {
    Sold {
        #[tag]
        show: String,
        price: f64,
    },
    Noted {
        text: String,
    },
    Cached {
        #[serde(skip)]
        cached: u8,
    },
}

use Ticketing::{Cached, Noted, Sold};

fn sold(show: &str) -> Ticketing {
    Sold { show: show.to_owned(), price: 1.5 }
}

fn noted(text: &str) -> Ticketing {
    Noted { text: text.to_owned() }
}

struct Office;

#[derive(Debug, PartialEq)]
struct SoldOut(u32);

/// Sells one seat per show; `note` decides upon a note, which lies outside of the boundary of a show.
impl Decider for Office {
    type Command = &'static str;
    type Event = Ticketing;
    type State = u32;
    type Error = SoldOut;

    fn initial(&self) -> u32 {
        0
    }

    fn evolve(&self, state: u32, _: &Ticketing) -> u32 {
        state + 1
    }

    fn decide(&self, state: &u32, show: &&'static str) -> Result<Vec<Ticketing>, SoldOut> {
        match (*state, *show) {
            (_, "note") => Ok(vec![noted("x")]),
            (_, "nothing") => Ok(vec![]),
            (_, "nan") => Ok(vec![Sold { show: "nan".to_owned(), price: f64::NAN }]),
            (0, show) => Ok(vec![sold(show)]),
            (n, _) => Err(SoldOut(n)),
        }
    }

    fn context(&self, show: &&'static str) -> QueryFor<Ticketing> {
        Ticketing::query().show(show).into()
    }

    fn guard(&self, show: &&'static str) -> QueryFor<Ticketing> {
        if *show == "all" { QueryFor::all_types() } else { self.context(show) }
    }
}

fn failure(story: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(story)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn a_scenario_sees_what_the_context_selects() {
    scenario(&Office).when("a").then([sold("a")]).then_state(1);
    let given = || [sold("b"), noted("y")];
    scenario(&Office).given(given()).when("a").then([sold("a")]).then_state(1);
    scenario(&Office).given(given()).given([sold("a")]).when("a").then_err(SoldOut(1));
    scenario(&Office).when("nothing").then_nothing().then_state(0);
    let mut seen = 0;
    let story = scenario(&Office).when("a");
    story.then_with(|result| seen = result.unwrap().len()).then([sold("a")]);
    assert_eq!(seen, 1);
    let dynamic: &dyn Decider<Command = _, Event = _, State = _, Error = _> = &Office;
    scenario(dynamic).allow_outside_boundary().when("note").then([noted("x")]);
}

#[test]
fn other_events_are_told_with_what_was_seen_and_what_was_not() {
    let story = || {
        let given = [sold("a"), sold("b"), noted("y")];
        scenario(&Office).given(given).when("a").then([sold("a")]);
    };
    assert_eq!(
        failure(story),
        r#"the scenario ends otherwise
  expected the events:
    Sold { show: "a", price: 1.5 }
  actual refusal:
    SoldOut(1)
  selected by the context (type Sold, tag show:a):
    Sold { show: "a", price: 1.5 }
  given, but not selected:
    Sold { show: "b", price: 1.5 }
    Noted { text: "y" }"#
    );
}

#[test]
fn another_refusal_and_another_state_are_told() {
    let story = || drop(scenario(&Office).when("a").then_err(SoldOut(1)));
    assert_eq!(
        failure(story),
        r#"the scenario ends otherwise
  expected the refusal:
    SoldOut(1)
  actual events:
    Sold { show: "a", price: 1.5 }
  selected by the context (type Sold, tag show:a):
    nothing
  given, but not selected:
    nothing"#
    );
    let refused = || drop(scenario(&Office).given([sold("a")]).when("a").then_err(SoldOut(2)));
    assert!(failure(refused).contains("actual refusal:\n    SoldOut(1)"));
    let nothing = || drop(scenario(&Office).when("a").then_nothing());
    assert!(failure(nothing).contains("expected the events:\n    nothing\n  actual events:\n"));
    let state = || drop(scenario(&Office).when("a").then_state(7));
    let text = failure(state);
    assert!(text.contains("expected the state:\n    7\n  actual state:\n    1\n"), "{text}");
}

#[test]
fn what_a_dispatch_would_refuse_fails_here_as_well() {
    assert_eq!(
        failure(|| drop(scenario(&Office).when("note"))),
        "no event decided upon is inside of the boundary\n  \
         boundary (type Sold, tag show:note), decided:\n    Noted { text: \"x\" }"
    );
    assert_eq!(
        failure(|| drop(scenario(&Office).when(""))),
        "the context is not valid: the value for \"show\" in a query does not make a tag"
    );
    let wide = failure(|| drop(scenario(&Office).when("all")));
    assert!(wide.starts_with("the guard (type Cached or Noted or Sold) is not covered"), "{wide}");
}

#[test]
fn an_event_that_does_not_come_back_fails_wherever_it_stands() {
    let given = failure(|| drop(scenario(&Office).given([Cached { cached: 1 }]).when("a")));
    assert_eq!(given, "Cached { cached: 1 } comes back as Cached { cached: 0 }");
    let decided = failure(|| drop(scenario(&Office).when("nan")));
    assert_eq!(
        decided,
        "Sold { show: \"nan\", price: NaN } cannot be stored: an event of type Sold cannot be \
         encoded: a float that is not finite has no JSON form"
    );
    let alone = failure(|| assert_comes_back(&sold("")));
    assert!(alone.ends_with("does not make a tag: tag value is empty"), "{alone}");
    assert_comes_back(&sold("a"));
}

#[test]
fn made_events_come_back_or_are_told_with_their_seed() {
    assert_each_comes_back(500, |random| match random.below(2) {
        0 => Sold { show: random.text(), price: random.f64() },
        _ => Noted { text: random.text() },
    });
    let odd = failure(|| {
        assert_each_comes_back(50, |random| Cached { cached: u8::from(random.below(20) == 3) });
    });
    assert!(odd.starts_with("Cached { cached: 1 } comes back as Cached { cached: 0 } (seed "));
    let refused = failure(|| assert_each_comes_back(5, |_| sold("")));
    assert!(refused.starts_with("every event was refused, at last: "), "{refused}");
    assert!(failure(|| assert_each_comes_back(0, |_| sold("a"))).ends_with("there is no case"));
}

#[test]
fn the_schema_is_the_one_that_was_written_down() {
    assert_schema_snapshot::<Ticketing>("tests/ticketing.schema");
}
