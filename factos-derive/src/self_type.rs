use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Type, TypePath};

use crate::ident::generated;

/// The type with `Self` replaced by the name, so that it means the same in another item.
pub(crate) fn replaced(ty: &Type, name: &Ident) -> Type {
    let tokens = ty.to_token_stream();
    syn::parse2(in_tokens(tokens, name)).unwrap_or_else(|_| ty.clone())
}

/// The path of a function with `Self` replaced likewise.
pub(crate) fn replaced_in_path(path: &TypePath, name: &Ident) -> TypePath {
    syn::parse2(in_tokens(path.to_token_stream(), name)).unwrap_or_else(|_| path.clone())
}

fn in_tokens(tokens: TokenStream, name: &Ident) -> TokenStream {
    tokens.into_iter().map(|token| in_token(token, name)).collect()
}

fn in_token(token: TokenTree, name: &Ident) -> TokenTree {
    match token {
        TokenTree::Ident(ident) if ident == "Self" => {
            let mut name = generated(name);
            name.set_span(Span::call_site().located_at(ident.span()));
            name.into()
        }
        TokenTree::Group(group) => {
            let mut replaced = Group::new(group.delimiter(), in_tokens(group.stream(), name));
            replaced.set_span(group.span());
            replaced.into()
        }
        token => token,
    }
}
