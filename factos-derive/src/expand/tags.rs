use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, TypePath};

use super::{nested, tag_value};
use crate::{
    ast::{Body, Field, Input, StoredType, Tag},
    attr::TagConversion,
    crate_path::CratePath,
    span,
};

/// The body of the method `tags`.
pub(super) fn tags(input: &Input<'_>) -> TokenStream {
    let factos = &input.crate_path;
    let has_tags = input.tags().next().is_some()
        || input.types.iter().any(|stored| stored.tags_with.is_some());
    if !has_tags && input.nested.is_empty() {
        return quote!(::core::result::Result::Ok(#factos::Tags::new()));
    }
    if input.types.is_empty() {
        let arms = nested::arms(input, "tags");
        return quote!(match self { #arms });
    }
    let arms = input.types.iter().map(|stored| arm(input, stored));
    let nested = nested::returning(input, "tags");
    let mutable = has_tags.then(|| quote!(mut));
    quote! {
        let #mutable __local_tags = #factos::__private::TagWriter::new();
        match self { #(#arms)* #nested }
        #factos::__private::TagWriter::finish(__local_tags, || #factos::Event::event_type(self))
    }
}

fn arm(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    let path = input.path(stored);
    let is_payload = matches!(stored.body, Body::Newtype(_));
    let tagged = stored.body.parts().iter().filter(|field| !field.tags.is_empty());
    let tagged = tagged.enumerate().map(|(i, field)| (format_ident!("__local_field{i}"), field));
    let (mut bindings, mut calls) = (Vec::new(), Vec::new());
    for (binding, field) in tagged {
        let ident = field.ident;
        let member = if is_payload { quote!(0) } else { quote!(#ident) };
        bindings.push(quote!(#member: #binding,));
        calls.extend(field.tags.iter().map(|tag| call(input, field, tag, &binding)));
    }
    if let Some(function) = &stored.tags_with {
        let argument = if is_payload {
            bindings.resize(1, quote!(0: __local_field0,));
            quote!(__local_field0)
        } else {
            quote!(self)
        };
        let span = span::of_function(function);
        let factos = &input.crate_path;
        let call = called(factos, function, &argument);
        let extend = span::at(span, quote!(#factos::__private::TagWriter::extend));
        calls.push(quote_spanned!(span=> #extend(&mut __local_tags, #call);));
    }
    let rest =
        (bindings.is_empty() || stored.body.parts().len() > bindings.len()).then(|| quote!(..));
    quote!(#path { #(#bindings)* #rest } => { #(#calls)* })
}

fn call(input: &Input<'_>, field: &Field<'_>, tag: &Tag<'_>, binding: &Ident) -> TokenStream {
    let (factos, key) = (&input.crate_path, &tag.key);
    let push = quote!(&mut #factos::__private::TagWriter::under(&mut __local_tags, #key));
    match &tag.conversion {
        TagConversion::Value => {
            let value = tag_value::as_tag_value(factos, &field.ty);
            quote!(#value::each(#binding, #push);)
        }
        TagConversion::With { function, value: None } => {
            let each = each_of_function(factos, function, &quote!(#binding), &push);
            quote!(#each;)
        }
        TagConversion::With { function, value: Some(ty) } => {
            let call = called(factos, function, &quote!(#binding));
            let value = tag_value::as_tag_value(factos, ty);
            quote! {{
                let __local_made: #ty = #call;
                #value::each(&__local_made, #push);
            }}
        }
        TagConversion::Display => {
            let value = quote!(#binding);
            let each = tag_value::each_displayed_of_field(factos, &field.ty, &value, &push);
            quote!(#each;)
        }
    }
}

/// Passes on the texts of the value that a function returns for a value.
pub(super) fn each_of_function(
    factos: &CratePath,
    function: &TypePath,
    value: &TokenStream,
    f: &TokenStream,
) -> TokenStream {
    let span = span::of_function(function);
    let each = span::at(span, quote!(#factos::__private::each));
    let call = called(factos, function, value);
    quote_spanned!(span=> #each(&#call, #f))
}

/// Calls a function for a reference to a value. If it takes the value itself, the error says so.
fn called(factos: &CratePath, function: &TypePath, value: &TokenStream) -> TokenStream {
    let span = span::of_function(function);
    let argument = quote! {
        (&#factos::__private::TagFunction::new(&__local_function, #value)).__tag_argument()
    };
    let argument = span::at(span, quote!((#argument)));
    let tail = quote_spanned!(span=> __local_function #argument);
    let call = quote! {
        use #factos::__private::{ByCoercion as _, ByValue as _};
        let __local_function = #function;
        #tail
    };
    quote_spanned!(span=> { #call })
}
