use proc_macro2::TokenStream;
use quote::quote;
use syn::Data;

use super::{companion::Companion, nested};
use crate::{
    ast::Input,
    ident::{generated, unraw},
};

/// The kind of an enum, which has its variants without their fields, and the method `kind()`.
pub(crate) fn kind(input: &Input<'_>) -> TokenStream {
    let Data::Enum(data) = &input.node.data else { return TokenStream::new() };
    if data.variants.is_empty() || !input.node.generics.params.is_empty() {
        return TokenStream::new();
    }
    let (factos, vis, ident) = (&input.crate_path, &input.node.vis, &input.ident);
    let (name, allowed) = (unraw(ident), &input.allowed);
    let companion = Companion::kind(input);
    let (module, kind) = (&companion.module, &companion.name);
    let variants = data.variants.iter().map(|variant| generated(&variant.ident));
    let docs = data.variants.iter().map(|v| {
        let variant = unraw(&v.ident);
        format!("That of [`{name}::{variant}`](super::{name}::{variant}).")
    });
    let from = data.variants.iter().map(|variant| &variant.ident);
    let to = variants.clone();
    let on_kind = format!("Which variant of [`{name}`](super::{name}) an event is.");
    let on_method = format!("Which variant of [`{name}`] this event is.");
    let inner_vis = companion.vis();
    let definition = companion.define(&quote! {
        #[doc = #on_kind]
        #[derive(
            ::core::fmt::Debug,
            ::core::clone::Clone,
            ::core::marker::Copy,
            ::core::cmp::PartialEq,
            ::core::cmp::Eq,
            ::core::hash::Hash,
        )]
        #inner_vis enum #kind {
            #(#[doc = #docs] #variants,)*
        }
    });
    quote! {
        #definition

        #factos::__private::rename_the_other_method_kind! {
            #allowed [#vis] #ident, #[doc = #on_method], #module::#kind,
            #(Self::#from { .. } => #module::#kind::#to,)*
        }
    }
}

/// The types of each kind, which `only` selects. Those of the schema begin with the own ones.
pub(super) fn types_of_kinds(input: &Input<'_>) -> TokenStream {
    if !input.is_enum {
        return TokenStream::new();
    }
    let (factos, ident) = (&input.crate_path, &input.ident);
    let companion = Companion::kind(input);
    let (module, kind) = (&companion.module, &companion.name);
    let types = if input.nested.is_empty() {
        quote!(#factos::__private::type_at(<#ident as #factos::Event>::SCHEMA, self as ::core::primitive::usize))
    } else {
        let stored = input.types.iter().zip(0_usize..).map(|(stored, index)| {
            let variant = generated(stored.ident);
            quote! {
                Self::#variant => #factos::__private::type_at(
                    <#ident as #factos::Event>::SCHEMA,
                    #index,
                ),
            }
        });
        let nested = input.nested.iter().map(|inner| {
            let (variant, event) = (generated(inner.ident), nested::as_event(factos, &inner.ty));
            quote!(Self::#variant => #event::SCHEMA.types,)
        });
        quote!(match self { #(#stored)* #(#nested)* })
    };
    quote! {
        #[automatically_derived]
        impl #factos::EventKind for #module::#kind {
            type Event = #ident;

            fn types(self) -> &'static [#factos::TypeInfo] {
                #types
            }
        }
    }
}
