use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    LitInt, Token, TypePath,
    parse::{Parse, ParseStream},
};

use super::{
    meta_item::{MetaItem, split},
    version,
};

/// One step of an upcast as it is written: `2 = path::to::function`, with `?` if it can fail.
pub(crate) struct UpcastStep {
    pub(crate) from: u32,
    pub(crate) key: LitInt,
    pub(crate) path: TypePath,
    pub(crate) is_fallible: bool,
}

const STEP: &str = "expected steps: `1 = function, 2 = function`";

impl UpcastStep {
    /// The steps of `upcast(...)` or `upcast_json(...)`.
    pub(super) fn list(item: &MetaItem) -> syn::Result<Vec<Self>> {
        let parts = split(item.list(STEP)?);
        if parts.is_empty() {
            return Err(item.error(STEP.to_owned()));
        }
        parts.into_iter().map(syn::parse2).collect()
    }
}

impl Parse for UpcastStep {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key: LitInt = input.parse().map_err(|e| syn::Error::new(e.span(), STEP))?;
        let from = version::number(&key)?;
        input.parse::<Token![=]>().map_err(|e| syn::Error::new(e.span(), STEP))?;
        if input.peek(Token![|]) || input.peek(Token![||]) || input.peek(Token![move]) {
            let closure: TokenStream = input.parse()?;
            let text = "an upcast step is the path of a function, not a closure";
            return Err(syn::Error::new_spanned(closure, text));
        }
        let text = "an upcast step is the path of a function";
        if input.is_empty() {
            return Err(syn::Error::new(key.span(), text));
        }
        let rest = input.fork().parse::<TokenStream>()?;
        let path: TypePath = input.parse().map_err(|_| syn::Error::new_spanned(&rest, text))?;
        let is_fallible = input.parse::<Option<Token![?]>>()?.is_some();
        if !input.is_empty() {
            let rest: TokenStream = input.parse()?;
            let text = format!("expected a comma after `{}`", path.to_token_stream());
            return Err(syn::Error::new_spanned(rest, text));
        }
        Ok(Self { from, key, path, is_fallible })
    }
}
