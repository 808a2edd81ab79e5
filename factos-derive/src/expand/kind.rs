use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, Ident};

use crate::{
    ast::Input,
    attr::{generated, unraw},
};

/// The fieldless twin of an enum, and `kind()`.
pub(crate) fn kind(input: &Input<'_>) -> TokenStream {
    let Data::Enum(data) = &input.node.data else { return TokenStream::new() };
    if data.variants.is_empty() || !input.node.generics.params.is_empty() {
        return TokenStream::new();
    }
    let (vis, ident) = (&input.node.vis, &input.node.ident);
    let name = unraw(ident);
    let kind = name_of(input);
    let variants = data.variants.iter().map(|variant| generated(&variant.ident));
    let docs = data.variants.iter().map(|v| format!("That of [`{name}::{}`].", unraw(&v.ident)));
    let from = data.variants.iter().map(|variant| &variant.ident);
    let to = variants.clone();
    let on_kind = format!("Which variant of [`{name}`] an event is.");
    let on_method = format!("Which variant of [`{name}`] this event is.");
    quote! {
        #[doc = #on_kind]
        #[derive(
            ::core::fmt::Debug,
            ::core::clone::Clone,
            ::core::marker::Copy,
            ::core::cmp::PartialEq,
            ::core::cmp::Eq,
            ::core::hash::Hash,
        )]
        #vis enum #kind {
            #(#[doc = #docs] #variants,)*
        }

        #[automatically_derived]
        impl #ident {
            #[doc = #on_method]
            #[must_use]
            #vis const fn kind(&self) -> #kind {
                match self { #(Self::#from { .. } => #kind::#to,)* }
            }
        }
    }
}

fn name_of(input: &Input<'_>) -> Ident {
    let ident = &input.node.ident;
    let span = Span::call_site().located_at(ident.span());
    let own = input.attr.kind.clone();
    own.unwrap_or_else(|| format_ident!("{}Kind", unraw(ident), span = span))
}
