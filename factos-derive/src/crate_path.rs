use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{DeriveInput, Path};

use crate::{
    attr::{EventAttr, Place},
    errors::Errors,
    ident::{generated, unraw},
    span,
};

/// The path under which generated code finds factos.
pub(crate) struct CratePath(TokenStream);

impl CratePath {
    /// The path that the type `ident` gives, with the hygiene of the macro, or that of [`import`].
    pub(crate) fn new(ident: &Ident, path: Option<&Path>) -> Self {
        let Some(path) = path else { return Self(quote!(::factos)) };
        if is_dollar_crate(path) {
            return Self(alias(ident).into_token_stream());
        }
        let tokens = path.to_token_stream().into_iter().map(|mut token| {
            if let TokenTree::Ident(ident) = &token {
                return generated(ident).into();
            }
            token.set_span(Span::call_site().located_at(token.span()));
            token
        });
        Self(tokens.collect())
    }

    /// The path in the `#[event(crate = ...)]` of a type. Errors in that attribute are not reported here.
    pub(crate) fn of(node: &DeriveInput) -> Self {
        Self::new(&node.ident, given(node).as_ref())
    }

    /// The path with every token at this span, to which a diagnostic about the path then points.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        span::at(span, self.0.clone())
    }

    /// The path as a text, which means the same in every edition.
    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }

    /// The path of serde as a text, for `#[serde(crate = ...)]`.
    pub(crate) fn serde(&self) -> String {
        format!("{}::__private::serde", self.text())
    }
}

/// Imports factos for a type whose path begins with `$crate`, and is empty for others.
///
/// `$crate` means something at the place that it was written at only, and in no text.
pub(crate) fn import(node: &DeriveInput) -> TokenStream {
    let path = given(node).filter(is_dollar_crate);
    let alias = alias(&node.ident);
    path.map(|path| quote!(use #path as #alias;)).unwrap_or_default()
}

fn given(node: &DeriveInput) -> Option<Path> {
    EventAttr::parse(&node.attrs, Place::Struct, &mut Errors::default()).crate_path
}

fn is_dollar_crate(path: &Path) -> bool {
    path.segments.first().is_some_and(|first| first.ident == "$crate")
}

fn alias(ident: &Ident) -> Ident {
    format_ident!("__factos_of_{}", unraw(ident))
}

/// The error of a type without `crate = ...` in a crate that knows factos under another name only.
///
/// No path tells that; the arguments of the compiler do, and nothing is reported where they do not.
pub(crate) fn unnamed(node: &DeriveInput) -> Option<syn::Error> {
    let name = given(node).is_none().then(|| other_name(std::env::args()))??;
    let text = format!(
        "this crate knows factos by the name `{name}`: add `#[event(crate = {name})]` to the type"
    );
    Some(syn::Error::new(Span::call_site(), text))
}

/// The name by which the compiler was given factos, unless that is `factos`, or unknown.
fn other_name(arguments: impl Iterator<Item = String>) -> Option<String> {
    let (mut is_extern, mut other) = (false, None);
    for argument in arguments {
        let value = argument.strip_prefix("--extern=").map(str::to_owned);
        let value = value.or_else(|| is_extern.then(|| argument.clone()));
        is_extern = argument == "--extern";
        let Some(value) = value else { continue };
        let (name, path) = value.split_once('=').unwrap_or((&value, ""));
        let name = name.rsplit(':').next().unwrap_or(name);
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if name == "factos" {
            return None;
        }
        if file.starts_with("libfactos-") || file.starts_with("libfactos.") {
            other = Some(name.to_owned());
        }
    }
    other
}

impl ToTokens for CratePath {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_of_factos_is_found_among_the_arguments() {
        let other = |text: &str| other_name(text.split(' ').map(str::to_owned));
        let renamed = "rustc --extern serde=/d/libserde-1.rmeta --extern es=/d/libfactos-2.rmeta";
        assert_eq!(other(renamed).as_deref(), Some("es"));
        assert_eq!(other("rustc --extern=priv:es=libfactos.rlib x.rs").as_deref(), Some("es"));
        assert_eq!(other(&format!("{renamed} --extern factos=/d/libfactos-2.rmeta")), None);
        assert_eq!(other("rustc --extern es=/d/libfactos_derive-2.so --extern factos"), None);
        assert_eq!(other("rust-analyzer-proc-macro-srv"), None);
    }
}
