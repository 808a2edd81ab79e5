use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::{nested, tag_value};
use crate::{
    ast::{Body, Field, Input, StoredType, Tag},
    attr::TagForm,
};

/// The body of `tags`.
pub(super) fn tags(input: &Input<'_>) -> TokenStream {
    let facade = &input.facade;
    let has_tags = input.tags().next().is_some()
        || input.types.iter().any(|stored| stored.tags_with.is_some());
    if !has_tags && input.nested.is_empty() {
        return quote!(::core::result::Result::Ok(#facade::Tags::new()));
    }
    if input.types.is_empty() {
        let arms = nested::arms(input, "tags");
        return quote!(match self { #arms });
    }
    let arms = input.types.iter().map(|stored| arm(input, stored));
    let nested = input.nested.iter().map(|nested| {
        let (ident, event) = (nested.ident, nested::as_event(facade, &nested.ty));
        quote!(Self::#ident(__inner) => return #event::tags(__inner),)
    });
    let mutable = has_tags.then(|| quote!(mut));
    quote! {
        let #mutable __tags = #facade::__private::TagWriter::new();
        match self { #(#arms)* #(#nested)* }
        __tags.finish(|| #facade::Event::event_type(self))
    }
}

fn arm(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    let path = input.path(stored);
    let tagged = stored.body.fields().iter().filter(|field| !field.tags.is_empty());
    let tagged = tagged.enumerate().map(|(i, field)| (format_ident!("__field{i}"), field));
    let (mut bindings, mut calls) = (Vec::new(), Vec::new());
    for (binding, field) in tagged {
        let ident = field.ident;
        bindings.push(quote!(#ident: #binding,));
        calls.extend(field.tags.iter().map(|tag| call(input, field, tag, &binding)));
    }
    if let Some(function) = &stored.tags_with {
        let argument = if let Body::Newtype { .. } = stored.body {
            bindings.push(quote!(0: __payload,));
            quote!(__payload)
        } else {
            quote!(self)
        };
        calls.push(quote!(__tags.extend(#function(#argument));));
    }
    let rest =
        (bindings.is_empty() || stored.body.fields().len() > bindings.len()).then(|| quote!(..));
    quote!(#path { #(#bindings)* #rest } => { #(#calls)* })
}

fn call(input: &Input<'_>, field: &Field<'_>, tag: &Tag<'_>, binding: &Ident) -> TokenStream {
    let (facade, key) = (&input.facade, &tag.key);
    let push = quote!(&mut |__text| __tags.push(#key, __text));
    match &tag.form {
        TagForm::Value => {
            let value = tag_value::as_tag_value(facade, &field.ty);
            quote!(#value::each(#binding, #push);)
        }
        TagForm::With(function) => {
            quote!(#facade::__private::each(&#function(#binding), #push);)
        }
        TagForm::Display => {
            let displayed = tag_value::displayed(facade, &field.ty);
            quote!(#displayed(#binding).each(#push);)
        }
    }
}
