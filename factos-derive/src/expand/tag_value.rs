//! Uses of the traits of tag values, each with the spans of the type that it is used for.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;

use crate::{attr::lint_attr, crate_path::CratePath, ident::generated, newtype::Newtype, span};

/// `<T as TagValue>`. All uses for one field carry the same spans: rustc then merges their errors.
pub(super) fn as_tag_value(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let factos = factos.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> as #factos::TagValue>);
    quote!(#open #ty #close)
}

/// Passes on the text of a value that is `Display`.
pub(super) fn each_displayed(
    factos: &CratePath,
    ty: &Type,
    value: &TokenStream,
    f: &TokenStream,
) -> TokenStream {
    let (start, end) = span::ends(ty);
    let factos = factos.at(start);
    let open = quote_spanned!(start=> #factos::__private::each_displayed::<);
    let arguments = quote_spanned!(end=> >(#value, #f));
    quote!(#open #ty #arguments)
}

/// `ArgOf<'_, T>`.
pub(super) fn argument(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let factos = factos.at(start);
    let open = quote_spanned!(start=> #factos::ArgOf<'_,);
    let close = quote_spanned!(end=> >);
    quote!(#open #ty #close)
}

/// The function that passes on the text of an argument of a query method.
pub(super) fn each_of_argument(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let value = as_tag_value(factos, ty);
    let factos = factos.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> ::Item as #factos::TagItem>::with_arg);
    quote!(#open #value #close)
}

/// The code of `#[derive(TagValue)]`.
pub(crate) fn tag_value(newtype: &Newtype<'_>) -> TokenStream {
    let factos = &newtype.crate_path;
    let (ident, member) = (generated(&newtype.node.ident), &newtype.member);
    let inner = as_tag_value(factos, newtype.ty);
    let allowed = lint_attr::allowed(newtype.node);
    quote! {
        #[automatically_derived]
        #allowed
        impl #factos::TagValue for #ident {
            type Item = Self;

            fn each(&self, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str)) {
                #inner::each(&self.#member, f);
            }
        }

        #[automatically_derived]
        #allowed
        impl #factos::TagItem for #ident {
            type Arg<'a> = &'a Self;

            fn with_arg(arg: &Self, f: &mut dyn ::core::ops::FnMut(&::core::primitive::str)) {
                #inner::each(&arg.#member, f);
            }
        }
    }
}
