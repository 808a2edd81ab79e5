//! Which attributes are allowed where, and which of their keys.

use syn::Attribute;

use super::{meta_item::MetaItem, unknown_key};
use crate::{errors::Errors, ident::unraw};

/// What an `#[event(...)]` stands on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Enum,
    Struct,
    Variant,
}

pub(crate) const ENUM: [&str; 7] =
    ["prefix", "rename_all", "explicit_names", "codec", "kind", "query", "crate"];
pub(crate) const VARIANT: [&str; 8] =
    ["name", "version", "since", "alias", "upcast", "upcast_json", "tags_with", "flatten"];
const STRUCT: [&str; 13] = [
    "name",
    "version",
    "since",
    "alias",
    "upcast",
    "upcast_json",
    "tags_with",
    "prefix",
    "rename_all",
    "explicit_names",
    "codec",
    "query",
    "crate",
];

impl Place {
    /// Accepts an item whose key is allowed here.
    pub(super) fn check(self, item: &MetaItem) -> syn::Result<()> {
        let Some(key) = item.key() else {
            return match self {
                Self::Enum => Err(misplaced(item, "a name", "a variant")),
                Self::Struct | Self::Variant => Ok(()),
            };
        };
        let is_name = !matches!(self, Self::Enum) && item.is_expression();
        if is_name {
            return Err(item.error("a name is a string literal: `#[event(\"...\")]`".to_owned()));
        }
        let name = unraw(key);
        let quoted_name = format!("`{name}`");
        match self {
            Self::Enum if VARIANT.contains(&&*name) => {
                Err(misplaced(item, &quoted_name, "a variant"))
            }
            Self::Variant if ENUM.contains(&&*name) => {
                Err(misplaced(item, &quoted_name, "the enum"))
            }
            Self::Struct if name == "flatten" => {
                Err(misplaced(item, &quoted_name, "a variant of an enum"))
            }
            Self::Struct if name == "kind" => Err(misplaced(item, &quoted_name, "an enum")),
            Self::Enum => unknown_key::check(item, &name, &ENUM),
            Self::Variant => unknown_key::check(item, &name, &VARIANT),
            Self::Struct => unknown_key::check(item, &name, &STRUCT),
        }
    }
}

/// Reports every `#[tag]`, where only named fields may have one.
pub(crate) fn refuse_tag(attrs: &[Attribute], errors: &mut Errors) {
    refuse(attrs, "tag", "tags belong on named fields; see `tags_with`", errors);
}

/// Reports every `#[event(...)]`, where only types and variants may have one.
pub(crate) fn refuse_event(attrs: &[Attribute], errors: &mut Errors) {
    refuse(attrs, "event", "`event` belongs on an enum, a variant or a struct", errors);
}

/// Accepts an item whose key is allowed in `#[tag(...)]`.
pub(super) fn check_tag(item: &MetaItem) -> syn::Result<()> {
    let Some(key) = item.key() else { return Ok(()) };
    let (name, keys) = (unraw(key), ["key", "with", "value", "display"]);
    let is_text = item.is_expression() || item.flag().is_ok();
    if is_text && unknown_key::near(&name, &keys).is_none() {
        return Err(item.error(format!("a key is a string literal: `#[tag(\"{name}\")]`")));
    }
    unknown_key::check(item, &name, &keys)
}

fn refuse(attrs: &[Attribute], name: &str, message: &str, errors: &mut Errors) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        errors.at(attr, message);
    }
}

fn misplaced(item: &MetaItem, what: &str, place: &str) -> syn::Error {
    item.error(format!("{what} belongs on {place}"))
}

/// Refuses a key that was set before.
pub(super) fn check_once(seen: &mut Vec<String>, key: String, item: &MetaItem) -> syn::Result<()> {
    if seen.contains(&key) {
        return Err(item.error(format!("`{key}` is set twice")));
    }
    seen.push(key);
    Ok(())
}
