//! Calls of the events within `flatten`, and the conversions from and to them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;

use crate::{ast::Input, crate_path::CratePath, ident::generated, span};

/// `<T as Event>`. All uses carry the same spans: rustc then merges their errors.
pub(super) fn as_event(factos: &CratePath, ty: &Type) -> TokenStream {
    let (start, end) = span::ends(ty);
    let factos = factos.at(end);
    let open = quote_spanned!(start=> <);
    let close = quote_spanned!(end=> as #factos::Event>);
    quote!(#open #ty #close)
}

/// The arms that call the method of the nested event.
pub(super) fn arms(input: &Input<'_>, method: &str) -> TokenStream {
    let method = format_ident!("{method}");
    let arms = input.nested.iter().map(|nested| {
        let (ident, event) = (generated(nested.ident), as_event(&input.crate_path, &nested.ty));
        quote!(Self::#ident(__local_inner) => #event::#method(__local_inner),)
    });
    arms.collect()
}

/// The same arms with `return`, for a function that goes on for stored types.
pub(super) fn returning(input: &Input<'_>, method: &str) -> TokenStream {
    let method = format_ident!("{method}");
    let arms = input.nested.iter().map(|nested| {
        let (ident, event) = (generated(nested.ident), as_event(&input.crate_path, &nested.ty));
        quote!(Self::#ident(__local_inner) => return #event::#method(__local_inner),)
    });
    arms.collect()
}

/// The impls of `Includes`, of `From` a nested event, and of `TryFrom` back to it.
pub(crate) fn conversions(input: &Input<'_>) -> TokenStream {
    let (factos, outer) = (&input.crate_path, &input.ident);
    let allowed = &input.allowed;
    let is_partial = input.types.len() + input.nested.len() > 1;
    let mut seen = Vec::new();
    let once = input.nested.iter().filter(|nested| {
        let spelling = nested.ty.to_token_stream().to_string();
        let is_new = !seen.contains(&spelling);
        seen.push(spelling);
        is_new
    });
    let conversions = once.map(|nested| {
        let (variant, inner) = (generated(nested.ident), &nested.ty);
        let rest = is_partial.then(|| quote!(__local_other => ::core::result::Result::Err(__local_other),));
        let rest = rest.into_iter();
        let span = Span::call_site().located_at(span::ends(inner).0);
        let includes = quote_spanned!(span=> #[automatically_derived]);
        quote! {
            #includes
            #allowed
            impl #factos::Includes<#inner> for #outer {}

            #[automatically_derived]
            #allowed
            impl ::core::convert::From<#inner> for #outer {
                fn from(event: #inner) -> Self {
                    Self::#variant(event)
                }
            }

            #[automatically_derived]
            #allowed
            impl ::core::convert::TryFrom<#outer> for #inner {
                type Error = #outer;

                fn try_from(event: #outer) -> ::core::result::Result<Self, #outer> {
                    match event {
                        #outer::#variant(__local_inner) => ::core::result::Result::Ok(__local_inner),
                        #(#rest)*
                    }
                }
            }
        }
    });
    conversions.collect()
}
