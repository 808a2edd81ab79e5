use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Meta};

use super::meta_item::split;

/// `#[allow(...)]` with the lints that the user allows or expects on a type or within it: code that names
/// the same types again needs the same. Of a type with `#[deprecated]`, that lint is one of them.
pub(crate) fn allowed(node: &DeriveInput) -> TokenStream {
    let mut all: Vec<&Attribute> = node.attrs.iter().collect();
    match &node.data {
        Data::Struct(data) => all.extend(data.fields.iter().flat_map(|field| &field.attrs)),
        Data::Enum(data) => {
            for variant in &data.variants {
                all.extend(&variant.attrs);
                all.extend(variant.fields.iter().flat_map(|field| &field.attrs));
            }
        }
        Data::Union(_) => {}
    }
    let (mut lints, mut seen) = (Vec::new(), Vec::new());
    for lint in all.into_iter().flat_map(lints_of) {
        let spelling = lint.to_string();
        if !seen.contains(&spelling) {
            seen.push(spelling);
            lints.push(lint);
        }
    }
    if lints.is_empty() { TokenStream::new() } else { quote!(#[allow(#(#lints),*)]) }
}

fn lints_of(attr: &Attribute) -> Vec<TokenStream> {
    if attr.path().is_ident("deprecated") {
        return vec![quote!(deprecated)];
    }
    match &attr.meta {
        Meta::List(list) if attr.path().is_ident("allow") || attr.path().is_ident("expect") => {
            let mut parts = split(list.tokens.clone());
            parts.retain(|part| !is_reason(part));
            parts.iter().map(ToTokens::to_token_stream).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether it is `reason = "..."`.
fn is_reason(part: &TokenStream) -> bool {
    part.clone().into_iter().any(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == '='))
}
