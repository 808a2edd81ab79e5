//! The user's `#[serde(...)]` attributes, some of which the serde proxies carry.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, DeriveInput, Ident, LitStr, Meta};

use super::meta_item::{MetaItem, split};
use crate::ident::edition_free;

/// Keys of a container that concern what surrounds the fields: a payload has nothing there.
pub(crate) const AROUND_FIELDS: [&str; 14] = [
    "bound",
    "content",
    "crate",
    "expecting",
    "from",
    "into",
    "remote",
    "rename",
    "tag",
    "transparent",
    "try_from",
    "untagged",
    "field_identifier",
    "variant_identifier",
];

/// Keys of a variant by which serde names or selects it in an enum.
pub(crate) const AROUND_VARIANT: [&str; 8] = [
    "alias",
    "bound",
    "other",
    "rename",
    "skip",
    "skip_deserializing",
    "skip_serializing",
    "untagged",
];

/// One key of a `#[serde(...)]`, as it is written.
pub(crate) struct Key {
    pub(crate) ident: Ident,
    tokens: TokenStream,
}

/// Serde can give a thing two names, one to write and one to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Write,
    Read,
}

impl Direction {
    pub(crate) const BOTH: [Self; 2] = [Self::Write, Self::Read];
}

impl Key {
    /// The text of `key = "text"`, or of this direction in `key(serialize = "text", deserialize = "text")`.
    pub(crate) fn text(&self, direction: Direction) -> Option<LitStr> {
        let item = MetaItem::parse(&self.tokens).ok()?;
        if let Ok(text) = item.string() {
            return Some(text);
        }
        let name = match direction {
            Direction::Write => "serialize",
            Direction::Read => "deserialize",
        };
        let items = split(item.list("").ok()?).into_iter();
        let mut items = items.filter_map(|tokens| MetaItem::parse(&tokens).ok());
        items.find(|item| item.key().is_some_and(|key| key == name))?.string().ok()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.ident == name
    }

    pub(crate) fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// Whether it is `default` alone, without `= "path"`.
    pub(crate) fn is_plain_default(&self) -> bool {
        self.is("default") && self.tokens.clone().into_iter().count() == 1
    }
}

/// Whether a field is written and read by the serde traits of its type. Otherwise a function of the
/// user does that, or serde skips the field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraitUse {
    pub(crate) is_written: bool,
    pub(crate) is_read: bool,
}

impl TraitUse {
    /// The traits that are still used under these keys of a field, a variant or a container.
    pub(crate) fn of(keys: &[Key]) -> Self {
        let has = |names: &[&str]| keys.iter().any(|key| key.is_one_of(names));
        let is_away = has(&["skip", "with"]);
        Self {
            is_written: !is_away && !has(&["skip_serializing", "serialize_with", "into"]),
            is_read: !is_away
                && !has(&["skip_deserializing", "deserialize_with", "from", "try_from"]),
        }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            is_written: self.is_written && other.is_written,
            is_read: self.is_read && other.is_read,
        }
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self {
            is_written: self.is_written || other.is_written,
            is_read: self.is_read || other.is_read,
        }
    }
}

/// The `#[serde(...)]` among the attributes.
pub(crate) fn of(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("serde"))
}

/// The keys of every `#[serde(...)]`, in order.
pub(crate) fn keys(attrs: &[Attribute]) -> Vec<Key> {
    let lists = of(attrs).filter_map(|attr| match &attr.meta {
        Meta::List(list) => Some(split(list.tokens.clone())),
        Meta::Path(_) | Meta::NameValue(_) => None,
    });
    lists.flatten().filter_map(key).collect()
}

/// The text of a key for one direction.
pub(crate) fn text(keys: &[Key], name: &str, direction: Direction) -> Option<String> {
    let mut named = keys.iter().filter(|key| key.is(name));
    named.find_map(|key| key.text(direction)).map(|text| text.value())
}

fn key(tokens: TokenStream) -> Option<Key> {
    let item = MetaItem::parse(&tokens).ok()?;
    let ident = item.key()?.clone();
    Some(Key { ident, tokens })
}

/// A container's `default` without a value, spelled with the path of the type: the proxy has no `Default`.
pub(crate) fn container_default(node: &DeriveInput) -> TokenStream {
    if !keys(&node.attrs).iter().any(Key::is_plain_default) {
        return TokenStream::new();
    }
    let path = format!("<{} as ::core::default::Default>::default", edition_free(&node.ident));
    quote!(#[serde(default = #path)])
}

/// One attribute with the keys for which `wanted` holds.
pub(crate) fn matching(attrs: &[Attribute], wanted: impl Fn(&Key) -> bool) -> TokenStream {
    let mut keys = keys(attrs);
    keys.retain(wanted);
    if keys.is_empty() {
        return TokenStream::new();
    }
    let tokens = keys.iter().map(|key| &key.tokens);
    quote!(#[serde(#(#tokens),*)])
}
