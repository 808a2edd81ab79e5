//! Private copies of an event's fields, from which serde derives what is written and read.

use proc_macro2::TokenStream;
use quote::quote;

use super::payload::serde_attrs;
use crate::{
    ast::{Body, Field, Input, StoredType},
    attr::{serde, unraw},
};

/// Keys of a container that concern the shape around the fields, which a payload does not have.
const AROUND_FIELDS: [&str; 14] = [
    "bound",
    "content",
    "crate",
    "expecting",
    "from",
    "into",
    "remote",
    "rename",
    "tag",
    "transparent",
    "try_from",
    "untagged",
    "field_identifier",
    "variant_identifier",
];

/// Keys of a variant that concern its place in an enum of serde.
const AROUND_VARIANT: [&str; 8] = [
    "alias",
    "bound",
    "other",
    "rename",
    "skip",
    "skip_deserializing",
    "skip_serializing",
    "untagged",
];

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
    let container = serde::matching(&input.node.attrs, |key| {
        !key.is_one_of(&AROUND_FIELDS) && !key.is("rename_all")
    });
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
    let attr = serde::matching(stored.attrs, |key| !key.is_one_of(&AROUND_VARIANT));
    match &stored.body {
        Body::Unit => quote!(#attr #ident {}),
        Body::Named(fields) => {
            let fields = fields.iter().map(field);
            quote!(#attr #ident { #(#fields,)* })
        }
        Body::Newtype { attrs, ty } => {
            let attrs = serde_attrs(attrs);
            quote!(#attr #ident(#(#attrs)* #ty))
        }
    }
}

fn of_struct(input: &Input<'_>) -> TokenStream {
    let (facade, ident) = (&input.facade, &input.node.ident);
    let (path, remote) = (facade.serde(), ident.to_string());
    let container = serde::matching(&input.node.attrs, |key| {
        !key.is_one_of(&AROUND_FIELDS) && !key.is_plain_default()
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
