use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any},
    prop_oneof,
    sample::{select, subsequence},
};

/// How many handles on one log the operations use.
pub(super) const HANDLES: usize = 2;

pub(super) const TYPES: [&str; 3] = ["A", "B", "C"];
pub(super) const TAGS: [&str; 4] = ["x:1", "x:2", "y:1", "z:1"];
pub(super) const STREAMS: [&str; 2] = ["s", "t"];

/// The most operations of a generated list.
const LONGEST: usize = 24;

#[derive(Debug, Clone)]
pub(super) enum Operation {
    Append { handle: usize, batch: Vec<Draft>, guard: Guard },
    Read { handle: usize, selection: Selection, bounds: Bounds },
    Head { handle: usize },
    Reopen,
}

/// An event that is to be appended.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) event_type: &'static str,
    pub(super) tags: Vec<&'static str>,
    pub(super) stream: Option<&'static str>,
    pub(super) payload: Vec<u8>,
    /// Takes the id of the draft this many drafts earlier, whether that was accepted or not.
    pub(super) id_of: Option<u64>,
}

#[derive(Debug, Clone)]
pub(super) enum Guard {
    None,
    Unless { items: Items, after: Place },
    Expecting { stream: &'static str, revision: Expected },
}

/// The types and tags of each item; none for every event.
pub(super) type Items = Option<Vec<(Vec<&'static str>, Vec<&'static str>)>>;

#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    Actual,
    NoEvents,
    Number(u64),
}

#[derive(Debug, Clone)]
pub(super) enum Selection {
    Query(Items),
    Stream(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) after: Place,
    pub(super) before: Place,
    pub(super) limit: Option<u64>,
    pub(super) backwards: bool,
}

/// A position relative to the end of the log, so that it means something in any log.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Nowhere,
    /// The position of the record this many before the last.
    FromTheEnd(usize),
    PastTheHead(u64),
}

pub(super) fn operations(reopening: bool) -> impl Strategy<Value = Vec<Operation>> {
    let handle = 0..HANDLES;
    let append = (handle.clone(), vec(draft(), 0..4), guard())
        .prop_map(|(handle, batch, guard)| Operation::Append { handle, batch, guard });
    let read = (handle.clone(), selection(), bounds())
        .prop_map(|(handle, selection, bounds)| Operation::Read { handle, selection, bounds });
    let head = handle.prop_map(|handle| Operation::Head { handle });
    let reopen = Just(Operation::Reopen);
    let once = prop_oneof![6 => append, 4 => read, 1 => head, u32::from(reopening) => reopen];
    vec(once, 1..=LONGEST)
}

fn draft() -> impl Strategy<Value = Draft> {
    let id_of = prop_oneof![12 => Just(None), 1 => (1..6_u64).prop_map(Some)];
    let payload = vec(any::<u8>(), 0..4);
    (select(&TYPES[..]), tags(0..=2), option::of(select(&STREAMS[..])), payload, id_of).prop_map(
        |(event_type, tags, stream, payload, id_of)| Draft {
            event_type,
            tags,
            stream,
            payload,
            id_of,
        },
    )
}

fn guard() -> impl Strategy<Value = Guard> {
    let revision = prop_oneof![
        3 => Just(Expected::Actual),
        1 => Just(Expected::NoEvents),
        1 => (0..5_u64).prop_map(Expected::Number),
    ];
    prop_oneof![
        2 => Just(Guard::None),
        3 => (items(), place()).prop_map(|(items, after)| Guard::Unless { items, after }),
        2 => (select(&STREAMS[..]), revision)
            .prop_map(|(stream, revision)| Guard::Expecting { stream, revision }),
    ]
}

fn selection() -> impl Strategy<Value = Selection> {
    prop_oneof![
        4 => items().prop_map(Selection::Query),
        1 => select(&STREAMS[..]).prop_map(Selection::Stream),
    ]
}

fn items() -> impl Strategy<Value = Items> {
    let of_types = (subsequence(&TYPES[..], 1..=2), tags(0..=2));
    let of_tags = (Just(Vec::new()), tags(1..=2));
    let item = prop_oneof![of_types, of_tags];
    prop_oneof![1 => Just(None), 6 => vec(item, 1..=3).prop_map(Some)]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let limit = prop_oneof![
        3 => Just(None),
        3 => (0..4_u64).prop_map(Some),
        1 => Just(Some(u64::MAX)),
    ];
    (place(), place(), limit, any::<bool>()).prop_map(|(after, before, limit, backwards)| Bounds {
        after,
        before,
        limit,
        backwards,
    })
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        3 => Just(Place::Nowhere),
        4 => (0..6_usize).prop_map(Place::FromTheEnd),
        1 => select(vec![1, 2, u64::MAX]).prop_map(Place::PastTheHead),
    ]
}

fn tags(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(&TAGS[..], count)
}
