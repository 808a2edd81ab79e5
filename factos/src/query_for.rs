use std::{fmt, marker::PhantomData, ops::BitOr};

use crate::{
    event::{Event, Includes},
    event_kind::EventKind,
    invalid_query::InvalidQuery,
    query::{Query, QueryItem},
    schema::{Schema, TypeInfo},
};

/// A query of events that decode into `E`.
///
/// It selects other events only if it is told to take [any type](Self::any_type) of its tags.
///
/// Built by the generated `E::query()`, or with [`all_types`](Self::all_types). An argument that cannot be
/// a tag is kept as the error that [`as_query`](Self::as_query) returns, so that nothing is read or
/// appended under another query than the intended one.
pub struct QueryFor<E> {
    query: Result<Query, InvalidQuery>,
    event: PhantomData<fn() -> E>,
}

impl<E: Event> QueryFor<E> {
    /// Every event that decodes into `E`.
    #[must_use]
    pub fn all_types() -> Self {
        let types = E::SCHEMA.types.iter().flat_map(TypeInfo::event_types);
        let query = types.collect::<Result<Vec<_>, _>>().and_then(|types| {
            let item = QueryItem::of_types(types).map_err(|_| InvalidQuery::NoType)?;
            Ok(Query::item(item))
        });
        Self::from_result(query)
    }

    /// A query written by hand, for event types that do not derive one. Each of its items names types of
    /// `E`, and no others; anything else is kept as [`InvalidQuery::Foreign`].
    ///
    /// A type that is named is selected under all of its names, as in a derived query: the one under which
    /// it is stored now, and its aliases. Events that older code stored are never missed.
    #[must_use]
    pub fn from_query(query: Query) -> Self {
        let checked = Self::all_types().query.and_then(|all| {
            if all.covers(&query) {
                with_all_names(query, E::SCHEMA)
            } else {
                Err(InvalidQuery::Foreign { query })
            }
        });
        Self::from_result(checked)
    }

    /// The same query, of events of these kinds only, under all of their names.
    ///
    /// A kind of which the query selects no event, as none of that kind carries its tags, is kept as
    /// [`InvalidQuery::NotOfKind`], and a list of no kind as [`InvalidQuery::NoKind`]: neither selects less than
    /// is asked for without a word.
    ///
    /// ```
    /// use factos::Event;
    ///
    /// #[derive(Event)]
    /// enum School {
    ///     CourseDefined { #[tag] course: u32, seats: u32 },
    ///     #[event(alias = "Enrolled")]
    ///     StudentEnrolled { #[tag] course: u32, #[tag] student: u64 },
    ///     TermClosed,
    /// }
    ///
    /// let enrolled = School::query().course(7).only([SchoolKind::StudentEnrolled]);
    /// assert_eq!(enrolled.as_query()?.to_string(), "(type Enrolled or StudentEnrolled, tag course:7)");
    /// let terms = School::query().only([SchoolKind::TermClosed]);
    /// assert_eq!(terms.as_query()?.to_string(), "(type TermClosed)");
    /// assert!(School::query().course(7).only([SchoolKind::TermClosed]).as_query().is_err());
    /// # Ok::<(), factos::InvalidQuery>(())
    /// ```
    #[must_use]
    pub fn only<K: EventKind<Event = E>>(self, kinds: impl IntoIterator<Item = K>) -> Self {
        let kinds: Vec<_> = kinds.into_iter().map(K::types).collect();
        Self::from_result(self.query.and_then(|query| of_kinds(query, &kinds)))
    }

    /// The same tags, of events of any type: the types that each item names are dropped.
    ///
    /// By default a query names the types of `E`, and so a fact of a type that only newer code knows is not read,
    /// and refuses no append. While two releases run side by side, the older one then decides without it. Two
    /// things help:
    ///
    /// - **Readers first**: first release, to every process, the code that knows the new type, and only then the
    ///   code that writes it. The default is made for this. It costs nothing, and several event types can share a
    ///   tag without knowing one another: most tags, such as a customer's, are shared.
    /// - `any_type()`, for a boundary where one decision on old knowledge costs more than a refused one: every
    ///   event with the tags counts, and one that does not decode into `E` fails the decision with
    ///   [`DecodeError`](crate::DecodeError). Then all events with these tags must be events of `E`.
    ///
    /// An item without a tag would select every event, and is kept as [`InvalidQuery::AnyTypeOfAll`].
    ///
    /// ```
    /// use factos::{Event, QueryFor};
    ///
    /// #[derive(Event)]
    /// enum Ticketing {
    ///     Sold { #[tag] show: u32 },
    /// }
    ///
    /// let known = QueryFor::from(Ticketing::query().show(7));
    /// assert_eq!(known.as_query()?.to_string(), "(type Sold, tag show:7)");
    /// assert_eq!(known.any_type().as_query()?.to_string(), "(tag show:7)");
    /// # Ok::<(), factos::InvalidQuery>(())
    /// ```
    #[must_use]
    pub fn any_type(self) -> Self {
        let any = self.query.and_then(|query| {
            let of_any_type = |items: &[QueryItem]| {
                Query::any_of(items.iter().map(QueryItem::any_type).collect::<Option<Vec<_>>>()?)
                    .ok()
            };
            let any = query.items().and_then(of_any_type);
            any.ok_or(InvalidQuery::AnyTypeOfAll { query })
        });
        Self::from_result(any)
    }

    /// The same query, for an event type that includes `E`.
    #[must_use]
    pub fn widen<W: Includes<E>>(self) -> QueryFor<W> {
        QueryFor::from_result(self.query)
    }
}

impl<E> QueryFor<E> {
    pub(crate) const fn from_result(query: Result<Query, InvalidQuery>) -> Self {
        Self { query, event: PhantomData }
    }

    /// The query, without the event type.
    ///
    /// # Errors
    /// [`InvalidQuery`] if an argument cannot be a tag, or no event carries all the keys of an item.
    pub fn as_query(&self) -> Result<&Query, InvalidQuery> {
        self.query.as_ref().map_err(Clone::clone)
    }

    /// The query, without the event type, by value.
    ///
    /// # Errors
    /// As [`as_query`](Self::as_query).
    pub fn into_query(self) -> Result<Query, InvalidQuery> {
        self.query
    }
}

/// The same query, with every name of each type that it names.
fn with_all_names(query: Query, schema: &Schema) -> Result<Query, InvalidQuery> {
    let Some(items) = query.items() else { return Ok(query) };
    let named = |item: &QueryItem| {
        let infos = item.types().filter_map(|name| schema.find(name.as_str()));
        let types = infos.flat_map(TypeInfo::event_types).collect::<Result<Vec<_>, _>>()?;
        let selected = QueryItem::of_types(types).map_err(|_| InvalidQuery::NoType)?;
        Ok(selected.with_tags_of(item))
    };
    let items = items.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    Query::any_of(items).map_err(|_| InvalidQuery::NoType)
}

/// The events of the query that are of one of the kinds, each given by its types.
fn of_kinds(query: Query, kinds: &[&'static [TypeInfo]]) -> Result<Query, InvalidQuery> {
    let wanted = kinds.iter().copied().flatten().flat_map(TypeInfo::event_types);
    let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() {
        return Err(InvalidQuery::NoKind { query });
    }
    let Some(items) = query.items() else {
        let item = QueryItem::of_types(wanted).map_err(|_| InvalidQuery::NoType)?;
        return Ok(Query::item(item));
    };
    let narrowed = |item: &QueryItem| {
        let is_any = item.types().next().is_none();
        let types = wanted.iter().filter(|name| is_any || item.types().any(|own| own == *name));
        Some(QueryItem::of_types(types.cloned()).ok()?.with_tags_of(item))
    };
    let items: Vec<_> = items.iter().filter_map(narrowed).collect();
    let selects = |info: &TypeInfo| {
        items.iter().any(|item| item.types().any(|name| name.as_str() == info.name))
    };
    for kind in kinds {
        if let Some(first) = kind.first().filter(|_| !kind.iter().any(selects)) {
            return Err(InvalidQuery::NotOfKind { query, kind: first.name });
        }
    }
    Query::any_of(items).map_err(|_| InvalidQuery::NoType)
}

/// What `|` takes: a query of events of the type `E`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no query of `{E}` events",
    label = "selects events of another type",
    note = "if `{E}` holds the other events by `#[event(flatten)]`, `widen()` makes their query one of `{E}`"
)]
pub trait TypedQuery<E>: Into<QueryFor<E>> {}

impl<E> TypedQuery<E> for QueryFor<E> {}

/// The conversion of derived queries by `into`.
///
/// It and not the query implements [`Converts`]: rustc would name `Into` in place of what is wrong. `To` is the
/// whole `QueryFor` and not its event: no other crate can then convert a `QueryFor`, which would meet the
/// conversion of each type into itself.
#[derive(Debug)]
pub struct Conversion;

/// The query `From` becomes the query `To` by `into`.
#[diagnostic::on_unimplemented(
    message = "`{From}` does not become a `{To}`",
    label = "selects events of another type",
    note = "begin with the `query()` of the event type that `{To}` names",
    note = "if that type holds the other events by `#[event(flatten)]`, write `widen()` instead of `into()`"
)]
pub trait Converts<From, To> {
    /// The same query.
    fn convert(query: From) -> To;
}

impl<E, Q> From<Q> for QueryFor<E>
where
    Conversion: Converts<Q, Self>,
{
    fn from(query: Q) -> Self {
        Conversion::convert(query)
    }
}

/// Events of either query.
impl<E, Q: TypedQuery<E>> BitOr<Q> for QueryFor<E> {
    type Output = Self;

    fn bitor(self, other: Q) -> Self {
        let either = self.query.and_then(|query| {
            let other = other.into().query?;
            Ok(other
                .items()
                .map_or_else(Query::all, |items| items.iter().cloned().fold(query, Query::or)))
        });
        Self::from_result(either)
    }
}

impl<E> Clone for QueryFor<E> {
    fn clone(&self) -> Self {
        Self::from_result(self.query.clone())
    }
}

impl<E> fmt::Debug for QueryFor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueryFor").field(&self.query).finish()
    }
}

#[cfg(all(test, feature = "derive", feature = "json"))]
#[expect(dead_code, unused_imports, reason = "macros of this crate make a part of derived events")]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        event_error::{EncodeError, Undecodable},
        event_type::EventType,
        schema::Schema,
        tags::Tags,
    };

    #[derive(factos_derive::Event)]
    enum Course {
        Opened {
            #[tag]
            course: u8,
        },
        Closed,
    }

    #[derive(factos_derive::Event)]
    enum Renamed {
        #[event("seat.sold", alias = "SeatSold", alias = "Sold")]
        Sold {
            #[tag]
            seat: u8,
        },
        Other,
    }

    #[derive(factos_derive::Event)]
    enum Outer {
        #[event(flatten)]
        Renamed(Renamed),
    }

    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn by_hand<E: Event>(names: &[&'static str], seat: Option<&str>) -> String {
        let types = names.iter().map(|name| EventType::from_static(name));
        let item = QueryItem::of_types(types).unwrap();
        let tag = seat.map(|seat| crate::tag::Tag::new("seat", seat).unwrap());
        let item = tag.iter().fold(item, QueryItem::tagged);
        QueryFor::<E>::from_query(item.into()).into_query().unwrap().to_string()
    }

    #[test]
    fn a_query_by_hand_selects_a_type_under_all_of_its_names() {
        let all = "(type SeatSold or Sold or seat.sold, tag seat:7)";
        assert_eq!(by_hand::<Renamed>(&["seat.sold"], Some("7")), all);
        assert_eq!(by_hand::<Renamed>(&["Sold"], Some("7")), all);
        assert_eq!(by_hand::<Outer>(&["SeatSold"], Some("7")), all);
        assert_eq!(by_hand::<Renamed>(&["Other"], None), "(type Other)");
        let both = "(type Other or SeatSold or Sold or seat.sold)";
        assert_eq!(by_hand::<Outer>(&["Other", "seat.sold"], None), both);
        let foreign = QueryItem::of_type(EventType::from_static("Paid"));
        let foreign = QueryFor::<Renamed>::from_query(foreign.into());
        assert!(matches!(foreign.into_query(), Err(InvalidQuery::Foreign { .. })));
    }

    /// Written by hand: a type per name.
    struct Named<const N: usize>;

    const NAMES: [&[TypeInfo]; 3] = [
        &[],
        &[TypeInfo::new("a\n", 1, "")],
        &[TypeInfo::new("b", 1, ""), TypeInfo::new("a", 1, "")],
    ];

    impl<const N: usize> Event for Named<N> {
        const SCHEMA: &'static Schema = &Schema::new(NAMES[N]);

        fn event_type(&self) -> EventType {
            EventType::from_static("a")
        }

        fn version(&self) -> u32 {
            1
        }

        fn tags(&self) -> Result<Tags, EncodeError> {
            Ok(Tags::new())
        }

        fn encode(&self) -> Result<Bytes, EncodeError> {
            Ok(Bytes::new())
        }

        fn decode(_: &EventType, _: u32, _: &[u8]) -> Result<Self, Undecodable> {
            Ok(Self)
        }
    }

    #[test]
    fn all_types_are_those_of_the_schema() {
        let text = |query: Result<Query, InvalidQuery>| query.unwrap().to_string();
        let by_hand = QueryFor::<Named<2>>::all_types();
        assert_eq!(text(by_hand.into_query()), "(type a or b)");
        let derived = QueryFor::<Course>::all_types();
        assert_eq!(text(derived.into_query()), "(type Closed or Opened)");
    }

    #[test]
    fn a_schema_without_a_valid_type_never_widens_to_every_event() {
        let empty = QueryFor::<Named<0>>::all_types();
        assert_eq!(empty.as_query(), Err(InvalidQuery::NoType));
        let invalid = QueryFor::<Named<1>>::all_types();
        assert_eq!(invalid.as_query(), Err(InvalidQuery::NoType));
        assert_eq!((empty.clone() | empty).into_query(), Err(InvalidQuery::NoType));
    }

    #[test]
    fn any_type_keeps_the_tags_and_never_widens_to_every_event() {
        let course = |n| QueryFor::from(Course::query().course(n));
        let both = (course(1) | course(2)).any_type();
        assert_eq!(both.as_query().unwrap().to_string(), "(tag course:1) or (tag course:2)");
        assert!(both.as_query().unwrap().covers(course(2).as_query().unwrap()));
        let all = QueryFor::<Course>::all_types().any_type().into_query();
        assert!(matches!(all, Err(InvalidQuery::AnyTypeOfAll { .. })));
        let mixed = (course(1) | Course::query()).any_type().into_query();
        assert!(matches!(mixed, Err(InvalidQuery::AnyTypeOfAll { .. })));
        let empty = QueryFor::<Named<0>>::all_types().any_type();
        assert_eq!(empty.into_query(), Err(InvalidQuery::NoType));
    }

    #[test]
    fn either_of_two_queries_keeps_the_items_of_both() {
        let all = QueryFor::from(Course::query());
        let both = (all | Course::query().course(1)).into_query().unwrap();
        assert_eq!(both.to_string(), "(type Closed or Opened) or (type Opened, tag course:1)");
        let event = Course::Opened { course: 1 };
        assert!(both.matches(&event.event_type(), &event.tags().unwrap()));
        assert!(both.matches(&Course::Closed.event_type(), &Tags::new()));
    }
}
