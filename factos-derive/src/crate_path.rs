use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{DeriveInput, Path};

use crate::{
    attr::{EventAttr, Place},
    errors::Errors,
    ident::edition_free,
    span,
};

/// The path under which generated code finds factos.
pub(crate) struct CratePath(TokenStream);

impl CratePath {
    pub(crate) fn new(path: Option<&Path>) -> Self {
        Self(path.map_or_else(|| quote!(::factos), |path| quote!(#path)))
    }

    /// The path in the `#[event(crate = ...)]` of a type. Errors in that attribute are not reported here.
    pub(crate) fn of(node: &DeriveInput) -> Self {
        let attr = EventAttr::parse(&node.attrs, Place::Struct, &mut Errors::default());
        Self::new(attr.crate_path.as_ref())
    }

    /// The path with every token at this span, to which a diagnostic about the path then points.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        span::at(span, self.0.clone())
    }

    /// The path as a text, which means the same in every edition.
    pub(crate) fn text(&self) -> String {
        let tokens = self.0.clone().into_iter().map(|token| match token {
            TokenTree::Ident(ident) => edition_free(&ident).into(),
            token => token,
        });
        tokens.collect::<TokenStream>().to_string()
    }

    /// The path of serde as a text, for `#[serde(crate = ...)]`.
    pub(crate) fn serde(&self) -> String {
        format!("{}::__private::serde", self.text())
    }
}

impl ToTokens for CratePath {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
