//! Private copies of an event's fields, from which serde derives what is written and read.

use proc_macro2::TokenStream;
use quote::quote;

use super::payload::serde_attrs;
use crate::{
    ast::{Body, Field, Input, StoredType},
    attr::{serde, unraw},
};

/// The mirrors, and the impl that calls them.
pub(super) fn mirrored(input: &Input<'_>) -> TokenStream {
    let (facade, ident) = (&input.facade, &input.node.ident);
    let private = quote!(#facade::__private);
    let (mirrors, write, read) = if input.is_enum {
        let name = unraw(ident);
        (
            of_enum(input),
            quote!(__FactosWrite),
            quote!(__FactosRead::deserialize(#private::AsVariant::new(variant, #name, deserializer))),
        )
    } else {
        (
            of_struct(input),
            quote!(__FactosMirror),
            quote!(__FactosMirror::deserialize(deserializer)),
        )
    };
    quote! {
        #mirrors

        #[automatically_derived]
        impl #private::Mirrored for #ident {
            fn write<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                use #private::NoMirror as _;
                #write::serialize(self, serializer)
            }

            fn read<'de, __D: #private::serde::Deserializer<'de>>(
                variant: ::core::primitive::u32,
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                use #private::NoMirror as _;
                let _ = variant;
                #read
            }
        }
    }
}

fn of_enum(input: &Input<'_>) -> TokenStream {
    let (facade, ident) = (&input.facade, &input.node.ident);
    let (path, remote) = (facade.serde(), ident.to_string());
    let keys = ["rename_all_fields", "deny_unknown_fields"];
    let container = serde::only(&input.node.attrs, &keys);
    let variants = input.types.iter().map(variant).collect::<Vec<_>>();
    quote! {
        #[derive(#facade::__private::serde::Serialize)]
        #[serde(crate = #path, remote = #remote, untagged)]
        #container
        enum __FactosWrite { #(#variants,)* }

        impl #facade::__private::NoMirror<#ident> for __FactosWrite {}

        #[derive(#facade::__private::serde::Deserialize)]
        #[serde(crate = #path, remote = #remote)]
        #container
        enum __FactosRead { #(#variants,)* }

        impl #facade::__private::NoMirror<#ident> for __FactosRead {}
    }
}

/// A unit variant is mirrored with braces: written as `{}`, it can grow fields with defaults.
fn variant(stored: &StoredType<'_>) -> TokenStream {
    let ident = stored.ident;
    match &stored.body {
        Body::Unit => quote!(#ident {}),
        Body::Named(fields) => {
            let attr = serde::only(stored.attrs, &["rename_all"]);
            let fields = fields.iter().map(field);
            quote!(#attr #ident { #(#fields,)* })
        }
        Body::Newtype { attrs, ty } => {
            let keys = ["with", "serialize_with", "deserialize_with"];
            let (outer, inner) = (serde::only(stored.attrs, &keys), serde::only(attrs, &keys));
            quote!(#ident(#outer #inner #ty))
        }
    }
}

fn of_struct(input: &Input<'_>) -> TokenStream {
    let (facade, ident) = (&input.facade, &input.node.ident);
    let (path, remote) = (facade.serde(), ident.to_string());
    let keys = ["rename_all", "deny_unknown_fields", "default"];
    let container = serde::matching(&input.node.attrs, |key| {
        keys.iter().any(|name| key.is(name)) && !key.is_plain_default()
    });
    let default = serde::container_default(input.node);
    let fields = input.types.iter().flat_map(|stored| stored.body.fields());
    let fields = fields.map(field);
    quote! {
        #[derive(#facade::__private::serde::Serialize, #facade::__private::serde::Deserialize)]
        #[serde(crate = #path, remote = #remote)]
        #container
        #default
        struct __FactosMirror { #(#fields,)* }

        impl #facade::__private::NoMirror<#ident> for __FactosMirror {}
    }
}

fn field(field: &Field<'_>) -> TokenStream {
    let attrs = serde_attrs(field.attrs);
    let (ident, ty) = (field.ident, &field.ty);
    quote!(#(#attrs)* #ident: #ty)
}
