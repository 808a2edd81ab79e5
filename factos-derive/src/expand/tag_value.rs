//! Uses of the traits of tag values, with the spans of the type that they are used for.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use crate::{crate_path::Facade, newtype::Newtype};

/// `<T as TagValue>`. All uses for one field carry the same spans: rustc then merges their errors.
pub(super) fn as_tag_value(facade: &Facade, ty: &Type) -> TokenStream {
    let (start, end) = span_ends(ty);
    let facade = facade.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> as #facade::TagValue>);
    quote!(#open #ty #close)
}

/// Passes on the text of a value that is `Display`.
pub(super) fn each_displayed(
    facade: &Facade,
    ty: &Type,
    value: &TokenStream,
    f: &TokenStream,
) -> TokenStream {
    let (start, end) = span_ends(ty);
    let facade = facade.at(start);
    let open = quote_spanned!(start=> #facade::__private::each_displayed::<);
    let arguments = quote_spanned!(end=> >(#value, #f));
    quote!(#open #ty #arguments)
}

/// `ArgOf<'_, T>`.
pub(super) fn argument(facade: &Facade, ty: &Type) -> TokenStream {
    let (start, end) = span_ends(ty);
    let facade = facade.at(start);
    let open = quote_spanned!(start=> #facade::ArgOf<'_,);
    let close = quote_spanned!(end=> >);
    quote!(#open #ty #close)
}

/// The function that passes on the text of an argument of a query method.
pub(super) fn each_of_argument(facade: &Facade, ty: &Type) -> TokenStream {
    let (start, end) = span_ends(ty);
    let value = as_tag_value(facade, ty);
    let facade = facade.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> ::Item as #facade::TagItem>::with_arg);
    quote!(#open #value #close)
}

/// The spans of the first and the last token.
pub(super) fn span_ends(ty: &Type) -> (Span, Span) {
    let tokens: Vec<TokenTree> = ty.to_token_stream().into_iter().collect();
    let span = |token: Option<&TokenTree>| token.map_or_else(Span::call_site, TokenTree::span);
    (span(tokens.first()), span(tokens.last()))
}

/// Everything that `#[derive(TagValue)]` prints.
pub(crate) fn tag_value(newtype: &Newtype<'_>) -> TokenStream {
    let facade = &newtype.facade;
    let (ident, member) = (&newtype.node.ident, &newtype.member);
    let inner = as_tag_value(facade, newtype.ty);
    quote! {
        #[automatically_derived]
        impl #facade::TagValue for #ident {
            type Item = Self;

            fn each(&self, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str)) {
                #inner::each(&self.#member, f);
            }
        }

        #[automatically_derived]
        impl #facade::TagItem for #ident {
            type Arg<'a> = &'a Self;

            fn with_arg(arg: &Self, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str)) {
                #inner::each(&arg.#member, f);
            }
        }
    }
}
