//! The user's `#[serde(...)]` attributes, of which the mirrors carry some.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Ident, Meta};

use super::entry::{Entry, split};

/// One key of a `#[serde(...)]`, as it is written.
pub(crate) struct Key {
    pub(crate) ident: Ident,
    tokens: TokenStream,
}

impl Key {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.ident == name
    }
}

pub(crate) fn keys(attrs: &[Attribute]) -> Vec<Key> {
    let attrs = attrs.iter().filter(|attr| attr.path().is_ident("serde"));
    let lists = attrs.filter_map(|attr| match &attr.meta {
        Meta::List(list) => Some(split(list.tokens.clone())),
        Meta::Path(_) | Meta::NameValue(_) => None,
    });
    lists.flatten().filter_map(key).collect()
}

fn key(tokens: TokenStream) -> Option<Key> {
    let entry = Entry::parse(tokens.clone()).ok()?;
    let ident = entry.key()?.clone();
    Some(Key { ident, tokens })
}

/// One attribute with the keys of these names.
pub(crate) fn only(attrs: &[Attribute], names: &[&str]) -> TokenStream {
    attribute(attrs, |key| names.iter().any(|name| key.is(name)))
}

/// One attribute with all keys but those of these names.
pub(crate) fn except(attrs: &[Attribute], names: &[&str]) -> TokenStream {
    attribute(attrs, |key| !names.iter().any(|name| key.is(name)))
}

fn attribute(attrs: &[Attribute], wanted: impl Fn(&Key) -> bool) -> TokenStream {
    let mut keys = keys(attrs);
    keys.retain(wanted);
    if keys.is_empty() {
        return TokenStream::new();
    }
    let tokens = keys.iter().map(|key| &key.tokens);
    quote!(#[serde(#(#tokens),*)])
}
