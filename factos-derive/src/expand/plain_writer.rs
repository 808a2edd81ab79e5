//! The writing of an enum's fields where no attribute of serde changes it: the same calls as a serde proxy makes,
//! in a fraction of its time to compile.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::{
    ast::{Body, Input, StoredType},
    ident::{generated, unraw},
};

/// The writer, in place of the serde proxy. `bounds` are what the types of the fields must implement.
pub(super) fn writer(input: &Input<'_>, bounds: &TokenStream) -> TokenStream {
    let (ident, serde) = (&input.ident, serde(input));
    let arms = input.types.iter().map(|stored| arm(input, stored));
    // A nested event is written by its own type.
    let nested = (!input.nested.is_empty()).then(
        || quote!(_ => ::core::result::Result::Err(#serde::ser::Error::custom("a nested event")),),
    );
    quote! {
        struct __FactosWrite;

        impl __FactosWrite where #bounds {
            fn serialize<__S: #serde::Serializer>(
                __local_event: &#ident,
                __local_serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                match __local_event { #(#arms)* #nested }
            }
        }
    }
}

fn arm(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    let (event, variant, serde) = (&input.ident, generated(stored.ident), serde(input));
    let path = quote!(#event::#variant);
    if let Body::Newtype(_) = stored.body {
        return quote!(#path(__local_0) => #serde::Serialize::serialize(__local_0, __local_serializer),);
    }
    let fields = stored.body.fields();
    let (mut bindings, mut calls) = (Vec::new(), Vec::new());
    for (i, field) in fields.iter().enumerate() {
        let (ident, binding) = (generated(field.ident), format_ident!("__local_{i}"));
        let name = unraw(field.ident);
        bindings.push(quote!(#ident: #binding,));
        let value = quote!(&mut __local_fields, #name, #binding);
        calls.push(quote!(#serde::ser::SerializeStruct::serialize_field(#value)?;));
    }
    let (count, mutable) = (fields.len(), (!calls.is_empty()).then(|| quote!(mut)));
    // Serializers see the name of this struct, and a codec may store it: it must not change.
    quote! {
        #path { #(#bindings)* } => {
            let #mutable __local_fields =
                #serde::Serializer::serialize_struct(__local_serializer, "__FactosWrite", #count)?;
            #(#calls)*
            #serde::ser::SerializeStruct::end(__local_fields)
        }
    }
}

fn serde(input: &Input<'_>) -> TokenStream {
    let factos = &input.crate_path;
    quote!(#factos::__private::serde)
}
