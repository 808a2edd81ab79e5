//! Deciders, views and reactors by themselves, without a store or a runtime.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use factos::{
    Decider, Event, EventId, InvalidQuery, Metadata, Query, QueryFor, QueryItem, Reactor, Recorded,
    View, compute_events, compute_state, decider_fn, evolve_recorded, project, project_from,
    react_all, reactor_fn, view_fn,
};
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 2 };

fn record(at: u64, event: Ticketing) -> Recorded<Ticketing> {
    Recorded {
        id: EventId::new(),
        position: position(at),
        stream: None,
        revision: None,
        event_type: event.event_type(),
        version: 1,
        tags: event.tags().unwrap(),
        metadata: Metadata::new(),
        recorded_at: SystemTime::UNIX_EPOCH + Duration::from_secs(at),
        event,
    }
}

#[test]
fn a_command_is_decided_from_a_history() {
    let history = [sold("a", "x"), returned("a"), sold("a", "y")];
    let decided = compute_events(&OFFICE, &history, &buy("a", "z"));
    assert_eq!(decided, Ok(vec![sold("a", "z")]));
    let full = [sold("a", "x"), sold("a", "y")];
    assert_eq!(compute_events(&OFFICE, &full, &buy("a", "z")), Err(SoldOut));
    assert!(compute_events(&OFFICE, &[], &buy("a", "z")).is_ok());
}

#[test]
fn a_command_is_decided_from_a_given_state() {
    assert_eq!(compute_state(&OFFICE, 1, &buy("a", "z")), Ok(2));
    assert_eq!(compute_state(&OFFICE, 2, &buy("a", "z")), Err(SoldOut));
}

#[test]
fn records_are_folded_into_a_state() {
    let records = [record(1, sold("a", "x")), record(5, sold("a", "y"))];
    assert_eq!(evolve_recorded(&OFFICE, 3, &records), 5);
    assert_eq!(evolve_recorded(&OFFICE, 3, []), 3);
}

fn buyers() -> impl View<Event = Ticketing, State = String> {
    view_fn(String::new, |all, event| match event {
        Ticketing::Sold { buyer, .. } => all + buyer,
        _ => all,
    })
}

#[test]
fn a_view_folds_events_in_order_and_goes_on_from_a_state() {
    let events = [sold("a", "x"), returned("a"), sold("a", "y")];
    assert_eq!(project(&buyers(), &events), "xy");
    assert_eq!(project_from(&buyers(), "w".into(), &events), "wxy");
    assert_eq!(project(&buyers(), &[]), "");
}

#[test]
fn a_tuple_of_views_is_a_view_of_tuples() {
    let count = || view_fn(|| 0, |n, _: &Ticketing| n + 1);
    let events = [sold("a", "x"), sold("a", "y")];
    let both = (buyers(), count());
    assert_eq!(project(&both, &events), ("xy".to_owned(), 2));
    assert_eq!(project_from(&both, ("w".into(), 8), &events), ("wxy".to_owned(), 10));
    let twelve = (
        (count(),),
        (count(), count()),
        count(),
        count(),
        count(),
        count(),
        count(),
        count(),
        count(),
        count(),
        count(),
        buyers(),
    );
    let state = project(&twelve, &events);
    assert_eq!((state.0, state.1, state.10, state.11.as_str()), ((2,), (2, 2), 2, "xy"));
}

#[test]
fn a_reactor_keeps_the_order_of_records_and_of_effects() {
    let twice = reactor_fn(|record: &Recorded<Ticketing>| {
        let at = record.position.get();
        vec![(at, 'a'), (at, 'b')]
    });
    let records = [record(3, sold("a", "x")), record(4, returned("a"))];
    assert_eq!(react_all(&twice, &records), [(3, 'a'), (3, 'b'), (4, 'a'), (4, 'b')]);
}

#[test]
fn merged_reactors_take_turns_record_by_record() {
    let named = |name: &'static str| {
        reactor_fn(move |record: &Recorded<Ticketing>| vec![(name, record.position.get())])
    };
    let silent = reactor_fn(|_: &Recorded<Ticketing>| Vec::new());
    let merged = named("mail").then(silent).then(named("audit"));
    let records = [record(1, sold("a", "x")), record(2, returned("a"))];
    assert_eq!(
        react_all(&merged, &records),
        [("mail", 1), ("audit", 1), ("mail", 2), ("audit", 2)]
    );
    let boxed: Box<dyn Reactor<Event = Ticketing, Effect = (&str, u64)>> = Box::new(merged);
    assert_eq!(react_all(&boxed, &records[1..]), [("mail", 2), ("audit", 2)]);
}

#[test]
fn a_mapped_command_and_error_keep_context_and_guard() {
    let lifted =
        OFFICE.map_command(|buyer: &String| buy("a", buyer)).map_error(|SoldOut| "sold out");
    let decided = compute_events(&lifted, &[], &"z".to_owned());
    assert_eq!(decided, Ok(vec![sold("a", "z")]));
    assert_eq!(compute_state(&lifted, 2, &"z".to_owned()), Err("sold out"));
    assert_same_boundary(&lifted, &"z".to_owned());
}

fn assert_same_boundary<D: Decider<Event = Ticketing> + ?Sized>(decider: &D, command: &D::Command) {
    let (context, guard) = (decider.context(command), decider.guard(command));
    let expected = [about(&["Sold", "Returned"], "a"), about(&["Sold"], "a")];
    assert_eq!(context.as_query(), expected[0].as_query());
    assert_eq!(guard.as_query(), expected[1].as_query());
}

#[test]
fn pointers_to_a_decider_keep_context_and_guard() {
    assert_same_boundary(&&OFFICE, &buy("a", "z"));
    assert_same_boundary(&Box::new(OFFICE), &buy("a", "z"));
    assert_same_boundary(&Arc::new(OFFICE), &buy("a", "z"));
    assert_same_boundary(&Rc::new(OFFICE), &buy("a", "z"));
}

#[test]
fn a_decider_is_made_of_closures() {
    let once = decider_fn(
        || 0,
        |n, _: &Ticketing| n + 1,
        |n, user: &String| match n {
            0 => Ok(vec![noted(user)]),
            _ => Err("noted before"),
        },
    );
    let user = "lucy".to_owned();
    assert_eq!(compute_events(&once, &[], &user), Ok(vec![noted("lucy")]));
    assert_eq!(compute_events(&once, &[noted("x")], &user), Err("noted before"));
    assert_eq!(once.guard(&user).as_query(), QueryFor::<Ticketing>::all_types().as_query());
    let narrow = once.with_context(|user| about(&["Sold"], user));
    assert_eq!(narrow.guard(&user).as_query(), about(&["Sold"], "lucy").as_query());
    assert_eq!(compute_state(&narrow, 0, &user), Ok(1));
}

#[test]
fn a_decider_can_be_chosen_at_run_time() {
    type Office = dyn Decider<Command = Buy, Event = Ticketing, State = i64, Error = SoldOut>;
    let offices: [Box<Office>; 2] = [Box::new(OFFICE), Box::new(BoxOffice { seats: 0 })];
    let open =
        offices.each_ref().map(|office| compute_events(&**office, &[], &buy("a", "z")).is_ok());
    assert_eq!(open, [true, false]);
    assert_same_boundary(&*offices[0], &buy("a", "z"));
}

#[test]
fn a_state_need_not_be_send() {
    let shared = decider_fn(
        || Rc::new(0),
        |n: Rc<i32>, _: &Ticketing| Rc::new(*n + 1),
        |n, _: &()| {
            if **n == 1 { Ok(vec![noted("x")]) } else { Err(**n) }
        },
    );
    assert_eq!(compute_events(&shared, &[noted("x")], &()), Ok(vec![noted("x")]));
    assert_eq!(compute_events(&shared, &[], &()), Err(0));
}

#[test]
fn a_query_written_by_hand_stays_within_the_event_types() {
    let query = |item: QueryItem| QueryFor::<Ticketing>::from_query(item.into());
    let item = QueryItem::of_type(factos::EventType::from_static("Sold"));
    assert_eq!(query(item.clone()).into_query(), Ok(item.into()));
    let foreign = QueryItem::of_type(factos::EventType::from_static("Other"));
    let any_type = QueryItem::with_tag(factos::Tag::new("show", "a").unwrap());
    for wide in [foreign.into(), any_type.into(), Query::all()] {
        let query = QueryFor::<Ticketing>::from_query(wide);
        assert!(matches!(query.into_query(), Err(InvalidQuery::Foreign { .. })));
    }
}
