use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Type, TypePath};

use crate::ident::edition_free;

/// The same tokens, all at one span, to which a diagnostic about any of them then points.
pub(crate) fn at(span: Span, tokens: TokenStream) -> TokenStream {
    tokens.into_iter().map(|token| token_at(span, token)).collect()
}

fn token_at(span: Span, token: TokenTree) -> TokenTree {
    let mut token = match token {
        TokenTree::Group(group) => {
            TokenTree::Group(Group::new(group.delimiter(), at(span, group.stream())))
        }
        TokenTree::Ident(ident) => edition_free(&ident).into(),
        token => token,
    };
    let span = if is_local(&token) { token.span().located_at(span) } else { span };
    token.set_span(span);
    token
}

/// The same tokens with hygienic locals, which are the identifiers that start with `__local_`. A local
/// and a name of the user never shadow one another, whichever macro the name comes from.
pub(crate) fn hygienic(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().map(hygienic_token).collect()
}

fn hygienic_token(token: TokenTree) -> TokenTree {
    match token {
        TokenTree::Group(group) if has_local(group.stream()) => {
            let mut inner = Group::new(group.delimiter(), hygienic(group.stream()));
            inner.set_span(group.span());
            inner.into()
        }
        mut token if is_local(&token) => {
            token.set_span(Span::mixed_site().located_at(token.span()));
            token
        }
        token => token,
    }
}

fn has_local(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_local(group.stream()),
        token => is_local(&token),
    })
}

fn is_local(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string().starts_with("__local_"))
}

/// The span for a diagnostic about a function: the last segment of its path.
pub(crate) fn of_function(path: &TypePath) -> Span {
    let last = path.path.segments.last();
    last.map_or_else(Span::call_site, |segment| segment.ident.span())
}

/// The spans of the first and the last token of a type.
pub(crate) fn ends(ty: &Type) -> (Span, Span) {
    let tokens: Vec<TokenTree> = ty.to_token_stream().into_iter().collect();
    let span = |token: Option<&TokenTree>| token.map_or_else(Span::call_site, TokenTree::span);
    (span(tokens.first()), span(tokens.last()))
}
