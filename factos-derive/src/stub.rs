//! Stub impls for an input with errors, so that uses of the type raise no further errors.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, GenericParam, Lifetime, LifetimeParam};

use crate::{ast::Input, crate_path::CratePath, expand, ident::generated};

pub(crate) fn event(input: &Input<'_>) -> TokenStream {
    let (factos, node) = (&input.crate_path, input.node);
    let ident = &input.ident;
    let (generics, arguments, bounds) = node.generics.split_for_impl();
    let query = node.generics.params.is_empty().then(|| expand::stub_query(input));
    let (kind, conversions) = (expand::kind(input), expand::conversions(input));
    quote! {
        #[automatically_derived]
        impl #generics #factos::Event for #ident #arguments #bounds {
            const SCHEMA: &'static #factos::Schema = &#factos::Schema::new(&[]);

            fn event_type(&self) -> #factos::EventType {
                loop {}
            }

            fn version(&self) -> ::core::primitive::u32 {
                loop {}
            }

            fn tags(&self) -> ::core::result::Result<#factos::Tags, #factos::EncodeError> {
                loop {}
            }

            fn encode(&self) -> ::core::result::Result<#factos::Bytes, #factos::EncodeError> {
                loop {}
            }

            fn decode(
                _: &#factos::EventType,
                _: ::core::primitive::u32,
                _: &[::core::primitive::u8],
            ) -> ::core::result::Result<Self, #factos::Undecodable> {
                loop {}
            }
        }
        #query
        #kind
        #conversions
    }
}

pub(crate) fn tag_value(node: &DeriveInput) -> TokenStream {
    let (factos, ident) = (CratePath::of(node), generated(&node.ident));
    let (generics, arguments, bounds) = node.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #factos::TagValue for #ident #arguments #bounds {
            type Item = ::std::string::String;

            fn each(&self, _: &mut dyn ::core::ops::FnMut(&::core::primitive::str)) {}
        }
    }
}

pub(crate) fn payload(node: &DeriveInput) -> TokenStream {
    let (factos, ident) = (CratePath::of(node), generated(&node.ident));
    let serde = quote!(#factos::__private::serde);
    let (generics, arguments, bounds) = node.generics.split_for_impl();
    let mut with_lifetime = node.generics.clone();
    let de = Lifetime::new("'__de", proc_macro2::Span::call_site());
    let parameter = GenericParam::Lifetime(LifetimeParam::new(de));
    with_lifetime.params.insert(0, parameter);
    let (de_generics, _, _) = with_lifetime.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #serde::Serialize for #ident #arguments #bounds {
            fn serialize<__S: #serde::Serializer>(
                &self,
                _: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                loop {}
            }
        }

        #[automatically_derived]
        impl #de_generics #serde::Deserialize<'__de> for #ident #arguments #bounds {
            fn deserialize<__D: #serde::Deserializer<'__de>>(
                _: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                loop {}
            }
        }
    }
}
