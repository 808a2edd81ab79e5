use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Field, Fields, Variant};

use crate::{
    attr::{serde, unraw},
    facade::Facade,
    self_type,
};

/// Everything that `#[derive(Payload)]` prints: serde's own derives, on a copy of the type.
pub(crate) fn payload(node: &DeriveInput) -> TokenStream {
    let facade = Facade::of(node);
    let (ident, private) = (&node.ident, quote!(#facade::__private));
    let mirror = mirror(node, &facade);
    quote! {
        const _: () = {
            #mirror

            impl #private::NoMirror<#ident> for __FactosMirror {}

            #[automatically_derived]
            impl #private::serde::Serialize for #ident {
                fn serialize<__S: #private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    use #private::NoMirror as _;
                    __FactosMirror::serialize(self, serializer)
                }
            }

            #[automatically_derived]
            impl<'de> #private::serde::Deserialize<'de> for #ident {
                fn deserialize<__D: #private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    use #private::NoMirror as _;
                    __FactosMirror::deserialize(deserializer)
                }
            }
        };
    }
}

fn mirror(node: &DeriveInput, facade: &Facade) -> TokenStream {
    let (path, remote) = (facade.serde(), node.ident.to_string());
    let container = serde::matching(&node.attrs, |key| {
        !key.is("crate") && !key.is("remote") && !key.is_plain_default()
    });
    let default = serde::container_default(node);
    let is_renamed = serde::keys(&node.attrs).iter().any(|key| key.is("rename"));
    let name = (!is_renamed).then(|| unraw(&node.ident)).into_iter();
    let item = match &node.data {
        Data::Struct(data) => {
            let fields = fields(node, &data.fields);
            let semicolon = data.semi_token;
            quote!(struct __FactosMirror #fields #semicolon)
        }
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| variant_of(node, variant));
            quote!(enum __FactosMirror { #(#variants,)* })
        }
        Data::Union(_) => TokenStream::new(),
    };
    quote! {
        #[derive(#facade::__private::serde::Serialize, #facade::__private::serde::Deserialize)]
        #[serde(crate = #path, remote = #remote #(, rename = #name)*)]
        #container
        #default
        #item
    }
}

fn variant_of(node: &DeriveInput, variant: &Variant) -> TokenStream {
    let (ident, attrs) = (&variant.ident, serde_attrs(&variant.attrs));
    let fields = fields(node, &variant.fields);
    quote!(#(#attrs)* #ident #fields)
}

fn fields(node: &DeriveInput, fields: &Fields) -> TokenStream {
    let copies = fields.iter().map(|field| copy(node, field));
    match fields {
        Fields::Unit => TokenStream::new(),
        Fields::Named(_) => quote!({ #(#copies,)* }),
        Fields::Unnamed(_) => quote!((#(#copies,)*)),
    }
}

fn copy(node: &DeriveInput, field: &Field) -> TokenStream {
    let attrs = serde_attrs(&field.attrs);
    let ty = self_type::replaced(&field.ty, &node.ident);
    let name = field.ident.iter();
    quote!(#(#attrs)* #(#name:)* #ty)
}

pub(super) fn serde_attrs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("serde"))
}
