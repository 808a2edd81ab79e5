//! The reading of an enum's variants that have no attribute of serde: as a serde proxy does it, in a fraction of its
//! time to compile.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::stored_fields::StoredFields;
use crate::{
    ast::{Body, Field, Input, StoredType},
    ident::{generated, unraw},
};

/// The reader, in place of the serde proxy. `all` are the types of its fields.
pub(super) fn reader(input: &Input<'_>, all: &StoredFields) -> TokenStream {
    let (factos, event) = (&input.crate_path, &input.ident);
    let serde = quote!(#factos::__private::serde);
    let named = || input.types.iter().zip(0_u32..);
    let visitors = named().map(|(stored, index)| visitor(input, stored, index, all));
    let arms = named().map(|(stored, index)| arm(input, stored, index));
    let bounds = all.read_bounds(factos, None);
    quote! {
        #(#visitors)*

        struct __FactosRead;

        impl<'de> __FactosRead where #bounds {
            fn deserialize<__D: #serde::Deserializer<'de>>(
                __local_payload: #factos::__private::AsVariant<__D>,
            ) -> ::core::result::Result<#event, __D::Error> {
                let (__local_variant, __local_deserializer) =
                    #factos::__private::AsVariant::into_parts(__local_payload);
                match __local_variant {
                    #(#arms)*
                    _ => #factos::__private::no_variant(),
                }
            }
        }
    }
}

fn arm(input: &Input<'_>, stored: &StoredType<'_>, index: u32) -> TokenStream {
    let (factos, event, variant) = (&input.crate_path, &input.ident, generated(stored.ident));
    let serde = quote!(#factos::__private::serde);
    if let Body::Newtype(payload) = &stored.body {
        let ty = &payload.ty;
        return quote! {
            #index => ::core::result::Result::map(
                <#ty as #serde::Deserialize<'de>>::deserialize(__local_deserializer),
                #event::#variant,
            ),
        };
    }
    let (name, visitor) = (unraw(event), visitor_name(index));
    quote! {
        #index => #serde::Deserializer::deserialize_struct(
            __local_deserializer,
            #name,
            #visitor::FIELDS,
            #visitor,
        ),
    }
}

/// The visitor of a variant with fields.
fn visitor(
    input: &Input<'_>,
    stored: &StoredType<'_>,
    index: u32,
    all: &StoredFields,
) -> TokenStream {
    if let Body::Newtype(_) = stored.body {
        return TokenStream::new();
    }
    let (factos, event, variant) = (&input.crate_path, &input.ident, generated(stored.ident));
    let serde = quote!(#factos::__private::serde);
    let (fields, visitor) = (stored.body.fields(), visitor_name(index));
    let bounds = all.read_bounds(factos, Some(fields));
    let names: Vec<_> = fields.iter().map(|field| unraw(field.ident)).collect();
    let numbers = 0..names.len();
    let named = format!("{}::{}", unraw(event), unraw(stored.ident));
    let expected = format!("struct variant {named}");
    let read = quote!(::core::result::Result<#event, __A::Error>);
    let ok = |value| quote!(::core::result::Result::Ok(#event::#variant { #value }));
    let (of_seq, of_map) =
        (ok(fields_of_seq(input, fields, &named)), ok(fields_of_map(input, fields)));
    let entries = entries(input, fields);
    let items = if fields.is_empty() { quote!(_) } else { quote!(mut __local_fields) };
    quote! {
        struct #visitor;

        impl #visitor {
            const FIELDS: &'static [&'static ::core::primitive::str] = &[#(#names),*];

            fn number(__local_name: &::core::primitive::str) -> ::core::primitive::usize {
                match __local_name {
                    #(#names => #numbers,)*
                    _ => ::core::primitive::usize::MAX,
                }
            }
        }

        impl<'de> #serde::de::Visitor<'de> for #visitor where #bounds {
            type Value = #event;

            fn expecting(&self, __local_f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Formatter::write_str(__local_f, #expected)
            }

            fn visit_seq<__A: #serde::de::SeqAccess<'de>>(self, #items: __A) -> #read {
                #of_seq
            }

            fn visit_map<__A: #serde::de::MapAccess<'de>>(
                self,
                mut __local_entries: __A,
            ) -> #read {
                #entries
                #of_map
            }
        }
    }
}

fn fields_of_seq(input: &Input<'_>, fields: &[Field<'_>], variant: &str) -> TokenStream {
    let factos = &input.crate_path;
    let private = quote!(#factos::__private);
    let count = fields.len();
    let values = fields.iter().enumerate().map(|(i, field)| {
        let ident = generated(field.ident);
        quote! {
            #ident: #private::field_of_seq(
                &mut __local_fields,
                #i,
                &#private::FieldsOf(#variant, #count),
            )?,
        }
    });
    quote!(#(#values)*)
}

fn fields_of_map(input: &Input<'_>, fields: &[Field<'_>]) -> TokenStream {
    let factos = &input.crate_path;
    let values = fields.iter().enumerate().map(|(i, field)| {
        let (ident, name, place) = (generated(field.ident), unraw(field.ident), place(i));
        quote!(#ident: #factos::__private::field_of_map(#place, #name)?,)
    });
    quote!(#(#values)*)
}

/// The places of the fields' values, and the loop over the entries that fills them.
fn entries(input: &Input<'_>, fields: &[Field<'_>]) -> TokenStream {
    let factos = &input.crate_path;
    let serde = quote!(#factos::__private::serde);
    let places = (0..fields.len()).map(place);
    let arms = fields.iter().enumerate().map(|(i, field)| {
        let (name, place) = (unraw(field.ident), place(i));
        quote! {
            #i => #factos::__private::read_field_of_map(&mut __local_entries, &mut #place, #name)?,
        }
    });
    quote! {
        #(let mut #places = ::core::option::Option::None;)*
        while let ::core::option::Option::Some(__local_field) =
            #serde::de::MapAccess::next_key_seed(
                &mut __local_entries,
                #factos::__private::FieldNumber(Self::number),
            )?
        {
            match __local_field {
                #(#arms)*
                _ => #factos::__private::skip_field(&mut __local_entries)?,
            }
        }
    }
}

fn place(i: usize) -> proc_macro2::Ident {
    format_ident!("__local_{i}")
}

fn visitor_name(index: u32) -> proc_macro2::Ident {
    format_ident!("__Visitor{index}")
}
