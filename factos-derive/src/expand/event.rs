use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{mirror, query, tag_value::as_tag_value};
use crate::{
    ast::{Input, StoredType},
    attr::unraw,
};

/// Everything that `#[derive(Event)]` prints.
pub(crate) fn event(input: &Input<'_>) -> TokenStream {
    let mirrored = mirror::mirrored(input);
    let implementation = implementation(input);
    let same_items = query::same_items(input);
    let query = query::typed(input);
    quote! {
        const _: () = {
            #mirrored
            #implementation
            #same_items
        };
        #query
    }
}

fn implementation(input: &Input<'_>) -> TokenStream {
    let (facade, ident) = (&input.facade, &input.node.ident);
    let infos = input.types.iter().map(|stored| info(input, stored));
    let event_type = by_type(input, |stored| {
        let name = &stored.name.text;
        quote!(const { #facade::EventType::from_static(#name) })
    });
    let version = by_type(input, |stored| {
        let version = stored.version;
        quote!(#version)
    });
    let tags = tags(input);
    let decode = decode(input);
    quote! {
        const __TYPES: &[#facade::TypeInfo] = &[#(#infos),*];

        #[automatically_derived]
        impl #facade::Event for #ident {
            const SCHEMA: &'static #facade::Schema = &#facade::Schema::new(__TYPES);

            fn event_type(&self) -> #facade::EventType {
                #event_type
            }

            fn version(&self) -> ::core::primitive::u32 {
                #version
            }

            fn tags(&self) -> ::core::result::Result<#facade::Tags, #facade::EncodeError> {
                #tags
            }

            fn encode(&self) -> ::core::result::Result<#facade::Bytes, #facade::EncodeError> {
                #facade::__private::encode::<#facade::__private::Codec, Self>(self)
            }

            #decode
        }
    }
}

fn by_type(input: &Input<'_>, value: impl Fn(&StoredType<'_>) -> TokenStream) -> TokenStream {
    let paths = input.types.iter().map(|stored| input.path(stored));
    let values = input.types.iter().map(value);
    quote!(match self { #(#paths { .. } => #values,)* })
}

fn info(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    let facade = &input.facade;
    let (name, version) = (&stored.name.text, stored.version);
    let mut origin = format!("::{}", unraw(&input.node.ident));
    if input.is_enum {
        origin = format!("{origin}::{}", unraw(stored.ident));
    }
    let mut keys: Vec<&str> = Vec::new();
    for tag in stored.body.fields().iter().flat_map(|field| &field.tags) {
        if !keys.contains(&&*tag.key) {
            keys.push(&tag.key);
        }
    }
    quote! {
        #facade::TypeInfo::new(
            #name,
            #version,
            ::core::concat!(::core::module_path!(), #origin),
        )
        .with_tag_keys(&[#(#keys),*])
    }
}

fn tags(input: &Input<'_>) -> TokenStream {
    let facade = &input.facade;
    if input.tags().next().is_none() {
        return quote!(::core::result::Result::Ok(#facade::Tags::new()));
    }
    let arms = input.types.iter().map(|stored| tag_arm(input, stored));
    quote! {
        let mut __tags = #facade::__private::TagWriter::new();
        match self { #(#arms)* }
        __tags.finish(|| #facade::Event::event_type(self))
    }
}

fn tag_arm(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    let facade = &input.facade;
    let path = input.path(stored);
    let tagged = stored.body.fields().iter().filter(|field| !field.tags.is_empty());
    let tagged = tagged.enumerate().map(|(i, field)| (format_ident!("__field{i}"), field));
    let (mut bindings, mut calls) = (Vec::new(), Vec::new());
    for (binding, field) in tagged {
        let ident = field.ident;
        bindings.push(quote!(#ident: #binding,));
        let value = as_tag_value(facade, &field.ty);
        calls.extend(field.tags.iter().map(|tag| {
            let key = &tag.key;
            quote! {
                #value::each(#binding, &mut |__text| __tags.push(#key, __text));
            }
        }));
    }
    quote!(#path { #(#bindings)* .. } => { #(#calls)* })
}

fn decode(input: &Input<'_>) -> TokenStream {
    let facade = &input.facade;
    let arms = input.types.iter().zip(0_u32..).map(|(stored, index)| {
        let (name, version) = (&stored.name.text, stored.version);
        quote! {
            #name => #facade::__private::decode::<#facade::__private::Codec, Self>(
                #index,
                #version,
                version,
                payload,
            ),
        }
    });
    quote! {
        fn decode(
            event_type: &#facade::EventType,
            version: ::core::primitive::u32,
            payload: &[::core::primitive::u8],
        ) -> ::core::result::Result<Self, #facade::Undecodable> {
            match #facade::EventType::as_str(event_type) {
                #(#arms)*
                _ => ::core::result::Result::Err(#facade::Undecodable::UnknownType),
            }
        }
    }
}
