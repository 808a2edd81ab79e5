//! Derive macros of factos: [`Event`], [`TagValue`] and [`Payload`]. Use them through `factos`, which
//! re-exports them beside the traits.
//!
//! ```
//! use factos::{Event, EventType, Payload, QueryFor, TagValue};
//!
//! #[derive(Debug, PartialEq, TagValue, Payload)]
//! struct CourseId(String);
//!
//! #[derive(Debug, PartialEq, Payload)]
//! struct Note {
//!     text: String,
//! }
//!
//! #[derive(Debug, PartialEq, Event)]
//! #[event(prefix = "school.")]
//! enum School {
//!     #[event(version = 2, since = 2)]
//!     CourseDefined {
//!         #[tag]
//!         course: CourseId,
//!         #[serde(default)]
//!         seats: u32,
//!     },
//!     #[event("school.student-enrolled")]
//!     Enrolled {
//!         #[tag]
//!         course: CourseId,
//!         #[tag("student")]
//!         students: Vec<u64>,
//!     },
//!     Noted(Note),
//!     TermClosed,
//! }
//!
//! let defined = School::CourseDefined { course: CourseId("c1".into()), seats: 20 };
//! assert_eq!(defined.event_type(), "school.CourseDefined");
//! assert_eq!(defined.tags()?.as_lines(), "course:c1");
//!
//! let payload = defined.encode()?;
//! assert_eq!(payload, r#"{"course":"c1","seats":20}"#);
//! let name = EventType::from_static("school.CourseDefined");
//! assert_eq!(School::decode(&name, 2, &payload)?, defined);
//!
//! let course = CourseId("c1".into());
//! let query = School::query().course(&course) | School::query().student(7);
//! assert_eq!(
//!     query.into_query()?.to_string(),
//!     "(type school.CourseDefined or school.student-enrolled, tag course:c1) \
//!      or (type school.student-enrolled, tag student:7)"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The grammar is on the page of [`Event`](macro@Event).

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, parse_macro_input};

use crate::{ast::Input, errors::Errors, newtype::Newtype, unit_enum::UnitEnum};

mod ast;
mod attr;
mod case;
mod crate_path;
mod errors;
mod expand;
mod ident;
mod newtype;
#[cfg(test)]
mod output_tests;
mod self_type;
mod span;
mod stub;
mod tag_key;
mod unit_enum;
mod validation;

/// Implements `Event` for an enum or a struct, with a typed `query()`.
///
/// # Grammar
///
/// | on | attribute |
/// |---|---|
/// | enum, struct | `#[event(prefix = "x.", rename_all = "kebab-case", explicit_names, codec = Type, query = Name, crate = path)]` |
/// | enum | `#[event(kind = Name)]` |
/// | variant, struct | `#[event("name", version = 3, since = 2, alias = "old", upcast(2 = function), upcast_json(1 = function), tags_with = function)]` |
/// | variant | `#[event(flatten)]` |
/// | named field | `#[tag]`, `#[tag("key")]`, `#[tag(key = "key", with = function, value = Type)]`, `#[tag(display)]`, more than once |
/// | payload of a variant | the same with a key: `Noted(#[tag("course", with = Note::course, value = CourseId)] Note)` |
/// | any of them | `#[serde(...)]` |
///
/// **Names.** The stored name of a type is that of its variant or struct, spelled as `rename_all` says
/// and after `prefix`. A name that is given, as `"name"` or `name = "name"`, is stored unchanged.
/// `rename_all` knows the eight cases of serde. A renamed type keeps its old name as an `alias`, of
/// which there may be several. Events under an alias are read, and every query selects them too.
/// `explicit_names` requires a name on every type, so that renaming Rust code never renames stored
/// events.
///
/// **Versions** start at 1. A type needs a new version if serde's defaults cannot read the old
/// payloads. Every older version then needs an upcast step, from `since` on: no version below `since`
/// was ever stored. A step of `upcast` is the path of a function from the payload of its version to
/// that of the next, followed by `?` if the function returns a `Result`. The last step returns the
/// event. A step of `upcast_json` takes JSON and returns JSON in a `Result`. Steps of JSON are for
/// lower versions than the typed ones, and do not support integers beyond 64 bits. All steps run in
/// `decode`.
///
/// ```
/// use factos::{Event, EventType, JsonValue, Payload};
///
/// #[derive(Payload)]
/// struct V2 { seats: String }
///
/// #[derive(Debug, PartialEq, Event)]
/// #[event(prefix = "school.")]
/// enum School {
///     #[event(alias = "CourseCreated", version = 3, upcast_json(1 = renamed), upcast(2 = parsed?))]
///     CourseDefined { seats: u32 },
/// }
///
/// fn renamed(mut old: JsonValue) -> Result<JsonValue, &'static str> {
///     let seats = old.get_mut("chairs").ok_or("no chairs")?.take();
///     Ok([("seats".to_owned(), seats)].into_iter().collect())
/// }
///
/// fn parsed(old: V2) -> Result<School, std::num::ParseIntError> {
///     Ok(School::CourseDefined { seats: old.seats.parse()? })
/// }
///
/// let old = EventType::from_static("CourseCreated");
/// let defined = School::decode(&old, 1, br#"{"chairs":"20"}"#)?;
/// assert_eq!(defined, School::CourseDefined { seats: 20 });
/// # Ok::<(), factos::Undecodable>(())
/// ```
///
/// **Nested events.** A variant with `flatten` holds another event type, an enum or a struct, with its
/// names, versions, tags and codec. The outer type then has `From` the inner one, `TryFrom` back to it,
/// and `Includes` it: `query.widen()` turns a query of the inner type into one of the outer. Names must
/// be unique at any depth, or the enum does not compile. `factos::assert_distinct!(A, B)` compares
/// types that no enum holds together.
///
/// ```
/// use factos::{Event, QueryFor};
///
/// #[derive(Event)]
/// #[event("fee.paid")]
/// struct FeePaid { #[tag] student: u64, cents: i64 }
///
/// #[derive(Event)]
/// #[event("student.enrolled")]
/// struct Enrolled { #[tag] student: u64, #[tag] course: String }
///
/// /// The events that one decision reads.
/// #[derive(Event)]
/// enum Fees {
///     #[event(flatten)]
///     Paid(FeePaid),
///     #[event(flatten)]
///     Enrolled(Enrolled),
/// }
///
/// let query: QueryFor<Fees> = FeePaid::query().student(7).widen() | Enrolled::query().student(7).widen();
/// assert_eq!(
///     query.into_query()?.to_string(),
///     "(type fee.paid, tag student:7) or (type student.enrolled, tag student:7)"
/// );
/// # Ok::<(), factos::InvalidQuery>(())
/// ```
///
/// **Kinds.** An enum `School` gets an enum `SchoolKind`, which has the same variants without fields,
/// and a method `kind()`. The keys `kind` and `query` give other names to the generated types. Where such a
/// name is taken, or the type has a method `kind` or `query` of its own, the type does not compile. rustc finds
/// that, so what to write stands in the name of the macro that its error tells.
///
/// **Crate.** A crate that knows factos under another name says so on each type, by `crate = name`. That is an
/// error where it is missing, also if the root of the crate has `extern crate name as factos`.
///
/// **Codecs.** `codec` names the codec of the payloads. The default is JSON.
///
/// **Payloads** hold the fields alone, without the name of the event: an object of the named fields,
/// `{}` for a unit variant, and the payload type itself for a variant that holds one. The event needs
/// no derive of serde; if it has one, payloads do not use it. The types of its fields must implement
/// serde's traits, for example by [`Payload`]. These attributes of serde have an effect: on fields all
/// but `borrow`; on variants `rename_all` and `with`; on enums `rename_all_fields` and
/// `deny_unknown_fields`; on structs `rename_all`, `default` and `deny_unknown_fields`. Functions such
/// as those of `with` get `&T`, as in plain serde. Those that would seem to have an effect and have none are
/// errors: `rename_all` on an enum that names its types in no other way, `from`, `try_from`, `into` and
/// `transparent` on an event, `skip`, `other`, `untagged` and `flatten` on a variant. So are two fields of one
/// stored name, and a field that is written and not read. What remains, such as `tag` for a derive of serde
/// beside this one, has no effect here.
///
/// **Tags** have the name of the field as their key, or the key that is given. Several fields may have
/// the same key if their values are of one type, those of the events within `flatten` as well. The tag is
/// made from the value of the field, which must be a [`TagValue`](https://docs.rs/factos/latest/factos/trait.TagValue.html): derive it for newtypes,
/// and for enums without fields, whose text is the name that serde gives to the variant. With `with` it is
/// made from what the function returns for a reference to that value, and with `display` from the text
/// of the value, or of each element of an `Option` or a `Vec`, which must then never change. Queries ask for
/// the type whose text it is with `display`; with `with` they ask for the field's own type, or for the type that
/// the function returns if that is given as `value`.
/// `tags_with` is a function from a reference to the payload of a newtype variant, or to the whole
/// event otherwise, to pairs of a key and a text. Typed queries do not know these keys.
///
/// **Queries.** `School::query()` gives a `SchoolQuery` with one method per key, which takes a value of
/// the field's
/// [`TagValue::Item`](https://docs.rs/factos/latest/factos/trait.TagValue.html#associatedtype.Item). In
/// the name of a method, `_` replaces every character of the key that no identifier may have. Methods
/// in a chain narrow one item to the variants that carry all of the keys. `|` makes a query for what
/// either side selects. Both convert into `QueryFor<School>`. `only` narrows a query to some kinds, with or
/// without tags: `School::query().course(&c).only([SchoolKind::Enrolled])`. `any_type` takes events of any type
/// with the tags. A value that makes no tag, keys that no variant carries together, or a kind that does not
/// carry them, are an error when the query is used. The keys `any_type`, `only` and `widen`, and a few others,
/// cannot be methods.
#[proc_macro_derive(Event, attributes(event, tag, serde))]
pub fn derive_event(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let node = parse_macro_input!(input as DeriveInput);
    let (import, code) = (crate_path::import(&node), event(&node));
    quote!(#import #code).into()
}

/// Implements `TagValue` and `TagItem` for a newtype: a struct with one field that is a `TagValue`.
///
/// Queries ask for the newtype itself, by reference. `#[event(crate = path)]` names factos under another
/// path.
#[proc_macro_derive(TagValue, attributes(event, serde))]
pub fn derive_tag_value(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let node = parse_macro_input!(input as DeriveInput);
    within_import(&node, tag_value(&node)).into()
}

/// Implements serde's `Serialize` and `Deserialize` for a struct or an enum, without a dependency on serde.
///
/// Every attribute of serde works as in serde's own derives, except `crate` and `remote`. The type may have type
/// and constant parameters; each type parameter must then implement the traits of serde as well, unless
/// `#[serde(bound(serialize = "...", deserialize = "..."))]` says what it must be. Arrays of more than 32 elements
/// need `#[serde(with = "factos::array")]`.
/// `#[event(crate = path)]` names factos under another path.
#[proc_macro_derive(Payload, attributes(event, serde))]
pub fn derive_payload(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let node = parse_macro_input!(input as DeriveInput);
    within_import(&node, payload(&node)).into()
}

/// The impls of a type together with what `crate_path::import` makes.
fn within_import(node: &DeriveInput, impls: TokenStream) -> TokenStream {
    let import = crate_path::import(node);
    if import.is_empty() { impls } else { quote!(const _: () = { #import #impls };) }
}

fn event(node: &DeriveInput) -> TokenStream {
    if let Some(error) = crate_path::unnamed(node) {
        return error.to_compile_error();
    }
    let mut errors = Errors::default();
    let input = Input::from_syn(node, &mut errors);
    validation::event(&input, &mut errors);
    match errors.into_result() {
        Ok(()) => expand::event(&input),
        Err(error) => with_stub(&error, stub::event(&input)),
    }
}

fn tag_value(node: &DeriveInput) -> TokenStream {
    if let Some(error) = crate_path::unnamed(node) {
        return error.to_compile_error();
    }
    let mut errors = Errors::default();
    validation::tag_value(node, &mut errors);
    let code = if let Data::Enum(data) = &node.data {
        expand::tag_value_of_enum(&UnitEnum::from_syn(node, data, &mut errors))
    } else {
        Newtype::from_syn(node, &mut errors).iter().map(expand::tag_value).collect()
    };
    match errors.into_result() {
        Ok(()) => code,
        Err(error) => with_stub(&error, stub::tag_value(node)),
    }
}

fn payload(node: &DeriveInput) -> TokenStream {
    if let Some(error) = crate_path::unnamed(node) {
        return error.to_compile_error();
    }
    let mut errors = Errors::default();
    validation::payload(node, &mut errors);
    match errors.into_result() {
        Ok(()) => expand::payload(node),
        Err(error) => with_stub(&error, stub::payload(node)),
    }
}

fn with_stub(error: &syn::Error, stub: TokenStream) -> TokenStream {
    let mut output = error.to_compile_error();
    output.extend(stub);
    output
}

/// The program of the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
