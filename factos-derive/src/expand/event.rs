use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use super::{decode, kind, nested, query, schema, serde_proxy, tags};
use crate::{
    ast::{Input, StoredType},
    span,
};

/// The code of `#[derive(Event)]`.
pub(crate) fn event(input: &Input<'_>) -> TokenStream {
    let proxies = serde_proxy::proxies(input);
    let implementation = implementation(input);
    let same_tag_types = query::same_tag_types(input);
    let distinct = distinct(input);
    let query = query::typed(input);
    let (kind, nested) = (kind::kind(input), nested::conversions(input));
    let types_of_kinds = kind::types_of_kinds(input);
    let allowed = &input.allowed;
    quote! {
        #allowed
        const _: () = {
            #proxies
            #implementation
            #same_tag_types
            #distinct
            #types_of_kinds
        };
        #query
        #kind
        #nested
    }
}

fn implementation(input: &Input<'_>) -> TokenStream {
    let (factos, ident) = (&input.crate_path, &input.ident);
    let types = schema::types(input);
    let (keys, schema) = schema::keys_and_schema(input);
    let event_type = by_type(input, "event_type", |stored| {
        let name = &stored.name.text;
        quote!(#name)
    });
    let event_type = if input.types.is_empty() {
        event_type
    } else {
        quote!(#factos::__private::event_type(#event_type))
    };
    let version = by_type(input, "version", |stored| {
        let version = stored.version.number;
        quote!(#version)
    });
    let tags = span::hygienic(tags::tags(input));
    let encode = encode(input);
    let upcasts = span::hygienic(decode::upcasts(input));
    let decode = decode::decode(input);
    let codec = codec(input);
    quote! {
        #types
        #keys
        #upcasts

        #[automatically_derived]
        impl #factos::Event for #ident {
            const SCHEMA: &'static #factos::Schema = &#schema;

            fn event_type(&self) -> #factos::EventType {
                #event_type
            }

            fn version(&self) -> ::core::primitive::u32 {
                #version
            }

            fn tags(&self) -> ::core::result::Result<#factos::Tags, #factos::EncodeError> {
                #tags
            }

            fn encode(&self) -> ::core::result::Result<#factos::Bytes, #factos::EncodeError> {
                #encode
            }

            #decode
            #codec
        }
    }
}

/// Matches `self`: a stored type has a value, and a nested event is asked by its own method.
fn by_type(
    input: &Input<'_>,
    method: &str,
    value: impl Fn(&StoredType<'_>) -> TokenStream,
) -> TokenStream {
    if input.types.is_empty() {
        let arms = nested::arms(input, method);
        return quote!(match self { #arms });
    }
    let paths = input.types.iter().map(|stored| input.path(stored));
    let values = input.types.iter().map(value);
    let nested = nested::returning(input, method);
    quote!(match self { #(#paths { .. } => #values,)* #nested })
}

fn encode(input: &Input<'_>) -> TokenStream {
    let factos = &input.crate_path;
    let encode = quote!(#factos::__private::encode::<Self>);
    if !input.is_enum {
        return quote!(#encode(0, self));
    }
    let indexed = input.types.iter().zip(0_u32..).map(|(stored, index)| {
        let path = input.path(stored);
        quote!(#path { .. } => #index,)
    });
    let nested = nested::returning(input, "encode");
    if input.types.is_empty() {
        let arms = nested::arms(input, "encode");
        return quote!(match self { #arms });
    }
    quote! {
        let __local_variant = match self { #(#indexed)* #nested };
        #encode(__local_variant, self)
    }
}

/// The method `codec`, unless every payload is JSON, which is the trait's default.
fn codec(input: &Input<'_>) -> TokenStream {
    let factos = &input.crate_path;
    if input.attr.codec.is_none() && input.nested.is_empty() {
        return TokenStream::new();
    }
    let own = own_names(input);
    let codec = if input.types.is_empty() {
        quote!("json")
    } else {
        quote!(#factos::__private::codec::<Self>())
    };
    let own = own.map(|own| {
        quote! {
            if ::core::matches!(#factos::EventType::as_str(__local_event_type), #own) {
                return #codec;
            }
        }
    });
    let nested = input.nested.iter().map(|nested| {
        let event = nested::as_event(factos, &nested.ty);
        quote! {
            if #factos::__private::knows(#event::SCHEMA, __local_event_type) {
                return #event::codec(__local_event_type);
            }
        }
    });
    let own = own.into_iter();
    quote! {
        fn codec(__local_event_type: &#factos::EventType) -> &'static ::core::primitive::str {
            #(#own)*
            #(#nested)*
            #codec
        }
    }
}

/// The names and aliases of the stored types as one pattern, if there are nested events to tell them from.
fn own_names(input: &Input<'_>) -> Option<TokenStream> {
    let patterns = input.types.iter().map(decode::names);
    (!input.types.is_empty() && !input.nested.is_empty()).then(|| quote!(#(#patterns)|*))
}

/// Compares the names of nested events, which only the compiler knows. The macro has compared the own
/// names.
fn distinct(input: &Input<'_>) -> TokenStream {
    if input.nested.is_empty() {
        return TokenStream::new();
    }
    let span = Span::call_site().located_at(input.ident.span());
    let private = input.crate_path.at(span);
    quote_spanned! {span=>
        const _: () = {
            #private::__private::assert_distinct::<
                { #private::__private::names(__TYPES) },
            >(__TYPES, false);
            #private::__private::assert_one_value_type(__KEYS);
        };
    }
}
