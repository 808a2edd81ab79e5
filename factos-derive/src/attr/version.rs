use proc_macro2::Span;
use syn::LitInt;

use super::meta_item::MetaItem;

/// A version and where it is written.
#[derive(Clone, Copy)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) span: Span,
}

impl Version {
    pub(super) fn parse(item: &MetaItem) -> syn::Result<Self> {
        let text = format!("versions are integers from 1: `{} = 2`", item.key_or("version"));
        let literal: LitInt = item.value(&text)?;
        Ok(Self { number: number(&literal)?, span: literal.span() })
    }
}

/// The number of a version, which is an integer from 1.
pub(super) fn number(literal: &LitInt) -> syn::Result<u32> {
    match literal.base10_parse() {
        Ok(0) => Err(syn::Error::new(literal.span(), "versions start at 1")),
        Ok(version) => Ok(version),
        Err(_) => Err(syn::Error::new(literal.span(), "versions are integers from 1")),
    }
}
