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
//!     #[event(version = 2)]
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
//! # Grammar
//!
//! | on | attribute |
//! |---|---|
//! | enum, struct | `#[event(prefix = "x.", rename_all = "kebab-case", crate = path::to::factos)]` |
//! | variant, struct | `#[event("name", version = 2)]`, `#[event(name = "name")]` |
//! | named field | `#[tag]`, `#[tag("key")]`, `#[tag(key = "key")]`, more than once |
//! | any of them | `#[serde(...)]` |
//!
//! **Names.** A stored type is named by its variant, or its struct, respelled by `rename_all` and after
//! `prefix`; a name that is given stands as it is. `rename_all` knows the eight cases of serde.
//!
//! **Versions** start at 1. A version above or below the declared one does not decode.
//!
//! **Payloads** hold the fields alone, without the name of the event: an object of the named fields, `{}`
//! for a unit variant, and the payload type itself for a variant that holds one. The event needs no
//! derive of serde, and may have one, which stays apart. Its field types need serde's traits or
//! [`Payload`]. Of `#[serde(...)]` every attribute of fields holds but `borrow`; functions such as those of
//! `with` get `&T`, as in plain serde. Of variants `rename_all` and `with` hold, of enums
//! `rename_all_fields` and `deny_unknown_fields`, of structs `rename_all`, `default` and
//! `deny_unknown_fields`. What else an enum of serde may say, such as `tag`, has no effect here.
//!
//! **Tags** have the name of the field or the key that is given. A key may stand on several fields with
//! values of one type.
//!
//! **Queries.** `School::query()` gives a `SchoolQuery` with a method per key, which asks for a value of the
//! field's [`TagValue::Item`](https://docs.rs/factos/latest/factos/trait.TagValue.html#associatedtype.Item).
//! In a method name `_` stands for every character of the key that no identifier holds. Methods that follow
//! one another narrow one item to the variants that carry all the keys, `|` gives either, and both convert
//! into `QueryFor<School>`. A value that makes no tag, or keys that no variant carries together, are an
//! error once the query is used.

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use crate::{ast::Input, errors::Errors, newtype::Newtype};

mod ast;
mod attr;
mod case;
mod errors;
mod expand;
mod facade;
mod fallback;
mod key;
mod newtype;
mod self_type;
mod valid;

/// Implements `Event` for an enum or a struct, and gives it a typed `query()`.
///
/// See the [crate] for the attributes.
#[proc_macro_derive(Event, attributes(event, tag, serde))]
pub fn derive_event(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    event(&parse_macro_input!(input as DeriveInput)).into()
}

/// Implements `TagValue` and `TagItem` for a newtype: a struct with one field that is a `TagValue`.
///
/// Queries ask for the newtype itself, by reference. `#[event(crate = path)]` names factos under another
/// path.
#[proc_macro_derive(TagValue, attributes(event))]
pub fn derive_tag_value(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    tag_value(&parse_macro_input!(input as DeriveInput)).into()
}

/// Implements serde's `Serialize` and `Deserialize` for a struct or an enum, without a dependency on serde.
///
/// Every attribute of serde holds as in serde's own derives, but for `crate` and `remote`.
/// `#[event(crate = path)]` names factos under another path.
#[proc_macro_derive(Payload, attributes(event, serde))]
pub fn derive_payload(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    payload(&parse_macro_input!(input as DeriveInput)).into()
}

fn event(node: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let input = Input::from_syn(node, &mut errors);
    valid::event(&input, &mut errors);
    match errors.into_result() {
        Ok(()) => expand::event(&input),
        Err(error) => with_stub(&error, fallback::event(&input)),
    }
}

fn tag_value(node: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let newtype = Newtype::from_syn(node, &mut errors);
    match (errors.into_result(), newtype) {
        (Ok(()), newtype) => newtype.iter().map(expand::tag_value).collect(),
        (Err(error), _) => with_stub(&error, fallback::tag_value(node)),
    }
}

fn payload(node: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    valid::payload(node, &mut errors);
    match errors.into_result() {
        Ok(()) => expand::payload(node),
        Err(error) => with_stub(&error, fallback::payload(node)),
    }
}

fn with_stub(error: &syn::Error, stub: TokenStream) -> TokenStream {
    let mut output = error.to_compile_error();
    output.extend(stub);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    const DERIVES: [fn(&DeriveInput) -> TokenStream; 3] = [event, tag_value, payload];

    fn outputs(item: &str) -> [String; 3] {
        let node = syn::parse_str(item).unwrap();
        DERIVES.map(|derive| derive(&node).to_string())
    }

    #[test]
    fn generated_code_finds_factos_under_the_path_that_is_given_and_no_other() {
        let items = [
            "enum A { B { #[tag] c: D, #[tag(\"c\")] e: F }, G(H), I }",
            "struct A { #[tag] b: C }",
            "struct A(B);",
            "union A { b: C }",
        ];
        for item in items {
            let output = outputs(&format!("#[event(crate = other::path)] {item}"));
            assert!(output.iter().all(|text| text.contains("other :: path")), "{output:?}");
            assert!(!output.iter().any(|text| text.contains("factos")), "{output:?}");
        }
    }

    #[test]
    fn whatever_stands_in_an_attribute_is_an_error_and_never_a_panic() {
        let lists = [
            "",
            "(,)",
            "(,,)",
            "()",
            "(+)",
            "(=)",
            "(= 1)",
            "(a)",
            "(a = )",
            "(a = b = c)",
            "(a::b)",
            "(1)",
            "('c')",
            "(b\"x\")",
            "(\"a\" \"b\")",
            "(\"a\", \"b\")",
            "(name)",
            "(name = 1)",
            "(version = 1u8)",
            "(version = 1.0)",
            "(version = 99999999999999999999)",
            "(crate = 1)",
            "(crate = a::<b>)",
            "(rename_all = x)",
            "(key = \"\")",
            "(key = \"_\")",
            "(r#name = \"x\")",
            " = 1",
            "[a]",
            "{a}",
            "(\"\\u{0}\")",
            "(\"1\")",
            "(\"\u{fb01} \u{b2}\")",
        ];
        for (list, name) in lists.iter().flat_map(|l| ["event", "tag", "serde"].map(|n| (l, n))) {
            let attr = format!("#[{name}{list}]");
            for item in [
                format!(
                    "{attr} enum A {{ {attr} B {{ {attr} c: D }}, {attr} E({attr} F), {attr} G }}"
                ),
                format!("{attr} struct A {{ {attr} b: C }}"),
                format!("{attr} struct A<'a, T: U>({attr} B, C) where D: E;"),
            ] {
                assert!(outputs(&item).iter().all(|text| !text.is_empty()), "{item}");
            }
        }
    }
}
