use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};

use super::{nested, query, tag_value};
use crate::{
    ast::{Body, Field, Input, StoredType, Tag},
    attr::{TagConversion, serde_attr},
    ident::unraw,
};

/// The table of the stored types.
pub(super) fn types(input: &Input<'_>) -> TokenStream {
    let factos = &input.crate_path;
    let own = input.types.iter().map(|stored| info(input, stored));
    if input.nested.is_empty() {
        return quote!(const __TYPES: &[#factos::TypeInfo] = &[#(#own),*];);
    }
    let nested = input.nested.iter().map(|nested| nested::as_event(factos, &nested.ty));
    quote! {
        const __PARTS: &[&[#factos::TypeInfo]] = &[&[#(#own),*], #(#nested::SCHEMA.types),*];
        const __TYPES: &[#factos::TypeInfo] =
            &#factos::__private::concat::<{ #factos::__private::count(__PARTS) }, _>(
                __PARTS,
                #factos::TypeInfo::new("", 0, ""),
            );
    }
}

/// The table of the keys of tags, and the schema of both tables.
pub(super) fn keys_and_schema(input: &Input<'_>) -> (TokenStream, TokenStream) {
    let factos = &input.crate_path;
    let private = quote!(#factos::__private);
    let schema = quote!(#factos::Schema::new(__TYPES));
    let event = format!("::{}", unraw(&input.node.ident));
    let own = query::keys(input).into_iter().map(|(field, tag)| {
        let (key, value) = (&tag.key, value_type(input, field, tag));
        quote!(#private::TagKey::new(#key, #value, ::core::concat!(::core::module_path!(), #event)))
    });
    let own: Vec<_> = own.collect();
    if input.nested.is_empty() {
        if own.is_empty() {
            return (TokenStream::new(), schema);
        }
        let keys = quote!(const __KEYS: &[#private::TagKey] = &[#(#own),*];);
        return (keys, quote!(#factos::Schema::with_keys(#schema, __KEYS)));
    }
    let nested = input.nested.iter().map(|nested| nested::as_event(factos, &nested.ty));
    let keys = quote! {
        const __KEY_PARTS: &[&[#private::TagKey]] =
            &[&[#(#own),*], #(#factos::Schema::keys(#nested::SCHEMA)),*];
        const __KEYS: &[#private::TagKey] =
            &#private::concat::<{ #private::count(__KEY_PARTS) }, _>(
                __KEY_PARTS,
                #private::TagKey::EMPTY,
            );
    };
    (keys, quote!(#factos::Schema::with_keys(#schema, __KEYS)))
}

/// The type that queries ask for, as a text.
fn value_type(input: &Input<'_>, field: &Field<'_>, tag: &Tag<'_>) -> TokenStream {
    let ty = match &tag.conversion {
        TagConversion::Value => &field.ty,
        TagConversion::With { value: Some(ty), .. } => ty,
        TagConversion::With { value: None, .. } | TagConversion::Display => return quote!(""),
    };
    tag_value::name_of_item(&input.crate_path, ty)
}

fn info(input: &Input<'_>, stored: &StoredType<'_>) -> TokenStream {
    let factos = &input.crate_path;
    let (name, version) = (&stored.name.text, stored.version.number);
    let mut origin = format!("::{}", unraw(&input.node.ident));
    if input.is_enum {
        origin = format!("{origin}::{}", unraw(stored.ident));
    }
    let aliases = some(&stored.aliases, |aliases| quote!(&[#(#aliases),*]));
    let since = (stored.oldest() != version).then(|| stored.oldest());
    let keys = some(&keys(stored), |keys| quote!(&[#(#keys),*]));
    let fields = some(&fields(input, stored), |fields| quote!(#fields));
    let with = [
        ("with_aliases", aliases),
        ("with_since", since.map(|since| quote!(#since))),
        ("with_tag_keys", keys),
        ("with_fields", fields),
    ];
    let new = quote! {
        #factos::TypeInfo::new(
            #name,
            #version,
            ::core::concat!(::core::module_path!(), #origin),
        )
    };
    with.into_iter().fold(new, |info, (method, argument)| match argument {
        Some(argument) => {
            let method = format_ident!("{method}");
            quote!(#factos::TypeInfo::#method(#info, #argument))
        }
        None => info,
    })
}

trait IsEmpty {
    fn is_empty(&self) -> bool;
}

impl<T> IsEmpty for Vec<T> {
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

impl IsEmpty for String {
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

fn some<T: IsEmpty>(value: &T, tokens: impl Fn(&T) -> TokenStream) -> Option<TokenStream> {
    (!value.is_empty()).then(|| tokens(value))
}

fn keys<'a>(stored: &'a StoredType<'_>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = Vec::new();
    for tag in stored.body.parts().iter().flat_map(|field| &field.tags) {
        if !keys.contains(&&*tag.key) {
            keys.push(&tag.key);
        }
    }
    keys
}

/// The fields of the payload as they are written, with their attributes of serde.
fn fields(input: &Input<'_>, stored: &StoredType<'_>) -> String {
    let mut text = attributes(&input.node.attrs);
    if input.is_enum {
        text += &attributes(stored.attrs);
    }
    match &stored.body {
        Body::Unit => {}
        Body::Named(fields) => {
            let fields: Vec<String> = fields.iter().map(field).collect();
            text += &fields.join(", ");
        }
        Body::Newtype(payload) => {
            let (attrs, ty) = (payload.attrs, &payload.ty);
            text += &format!("({}{})", attributes(attrs), compact(ty.to_token_stream()));
        }
    }
    text
}

fn field(field: &Field<'_>) -> String {
    let attributes = attributes(field.attrs);
    format!("{attributes}{}: {}", unraw(field.ident), compact(field.ty.to_token_stream()))
}

fn attributes(attrs: &[syn::Attribute]) -> String {
    serde_attr::of(attrs).map(|attr| compact(attr.to_token_stream()) + " ").collect()
}

/// Tokens as a text that does not depend on how a compiler prints them.
fn compact(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => text.push(punct.as_char()),
            word => {
                let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
                if text.ends_with(|c: char| is_word(c) || c == ',') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}
