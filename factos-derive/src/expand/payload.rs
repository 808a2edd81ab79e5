use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Field, Fields};

use super::stored_fields::StoredFields;
use crate::{
    attr::{
        lint_attr,
        serde_attr::{self, TraitUse},
    },
    crate_path::CratePath,
    ident::{edition_free, generated, unraw},
    self_type,
};

/// The code of `#[derive(Payload)]`: serde's own derives, on a copy of the type.
pub(crate) fn payload(node: &DeriveInput) -> TokenStream {
    let factos = CratePath::of(node);
    let (ident, private) = (generated(&node.ident), quote!(#factos::__private));
    let (proxy, allowed) = (proxy(node, &factos), lint_attr::allowed(node));
    quote! {
        #allowed
        const _: () = {
            #proxy

            impl #private::NoSerdeProxy<#ident> for __FactosMirror {}

            #[automatically_derived]
            impl #private::serde::Serialize for #ident {
                fn serialize<__S: #private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    use #private::NoSerdeProxy as _;
                    __FactosMirror::serialize(self, serializer)
                }
            }

            #[automatically_derived]
            impl<'de> #private::serde::Deserialize<'de> for #ident {
                fn deserialize<__D: #private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    use #private::NoSerdeProxy as _;
                    __FactosMirror::deserialize(deserializer)
                }
            }
        };
    }
}

fn proxy(node: &DeriveInput, factos: &CratePath) -> TokenStream {
    let (path, remote) = (factos.serde(), edition_free(&node.ident).to_string());
    let container = serde_attr::matching(&node.attrs, |key| {
        !key.is("crate") && !key.is("remote") && !key.is_plain_default()
    });
    let default = serde_attr::container_default(node);
    let is_renamed = serde_attr::keys(&node.attrs).iter().any(|key| key.is("rename"));
    let name = (!is_renamed).then(|| unraw(&node.ident)).into_iter();
    let mut stored = StoredFields::default();
    let whole = TraitUse::of(&serde_attr::keys(&node.attrs));
    let mut copies = |parts: &Fields, outer: TraitUse| {
        fields(parts, |field| copy(node, field, &mut stored, outer))
    };
    // If the user renames the type for one direction only, serde uses this name in the other, and a codec
    // may store it: it must not change.
    let item = match &node.data {
        Data::Struct(data) => {
            let fields = copies(&data.fields, whole);
            let semicolon = data.semi_token;
            quote!(struct __FactosMirror #fields #semicolon)
        }
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| {
                let outer = whole.and(TraitUse::of(&serde_attr::keys(&variant.attrs)));
                let fields = copies(&variant.fields, outer);
                let (ident, attrs) = (generated(&variant.ident), serde_attr::of(&variant.attrs));
                quote!(#(#attrs)* #ident #fields)
            });
            quote!(enum __FactosMirror { #(#variants,)* })
        }
        Data::Union(_) => TokenStream::new(),
    };
    let checks = stored.checks(factos);
    let has_bound = serde_attr::keys(&node.attrs).iter().any(|key| key.is("bound"));
    let (write, read) = if has_bound { Default::default() } else { stored.bounds(factos) };
    quote! {
        #checks

        #[derive(#factos::__private::serde::Serialize, #factos::__private::serde::Deserialize)]
        #[serde(crate = #path, remote = #remote #(, rename = #name)*)]
        #write
        #read
        #container
        #default
        #item
    }
}

fn fields(fields: &Fields, copy: impl FnMut(&Field) -> TokenStream) -> TokenStream {
    let copies = fields.iter().map(copy);
    match fields {
        Fields::Unit => TokenStream::new(),
        Fields::Named(_) => quote!({ #(#copies,)* }),
        Fields::Unnamed(_) => quote!((#(#copies,)*)),
    }
}

fn copy(
    node: &DeriveInput,
    field: &Field,
    stored: &mut StoredFields,
    outer: TraitUse,
) -> TokenStream {
    let ty = self_type::replaced(&field.ty, &node.ident);
    stored.add(&ty, &field.attrs, outer);
    let (attrs, name) = (serde_attr::of(&field.attrs), field.ident.iter().map(generated));
    quote!(#(#attrs)* #(#name:)* #ty)
}
