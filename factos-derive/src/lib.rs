//! Derive macros of factos.

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use crate::{ast::Input, errors::Errors, newtype::Newtype};

mod ast;
mod attr;
mod case;
mod errors;
mod expand;
mod facade;
mod fallback;
mod key;
mod newtype;
mod self_type;
mod valid;

/// Implements `Event`.
#[proc_macro_derive(Event, attributes(event, tag, serde))]
pub fn derive_event(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let node = parse_macro_input!(input as DeriveInput);
    let mut errors = Errors::default();
    let input = Input::from_syn(&node, &mut errors);
    valid::event(&input, &mut errors);
    let output = match errors.into_result() {
        Ok(()) => expand::event(&input),
        Err(error) => with_stub(&error, fallback::event(&input)),
    };
    output.into()
}

/// Implements `TagValue`.
#[proc_macro_derive(TagValue, attributes(event))]
pub fn derive_tag_value(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let node = parse_macro_input!(input as DeriveInput);
    let mut errors = Errors::default();
    let newtype = Newtype::from_syn(&node, &mut errors);
    let output = match (errors.into_result(), newtype) {
        (Ok(()), Some(newtype)) => expand::tag_value(&newtype),
        (Ok(()), None) => TokenStream::new(),
        (Err(error), _) => with_stub(&error, fallback::tag_value(&node)),
    };
    output.into()
}

/// Implements serde's `Serialize` and `Deserialize`.
#[proc_macro_derive(Payload, attributes(event, serde))]
pub fn derive_payload(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let node = parse_macro_input!(input as DeriveInput);
    let mut errors = Errors::default();
    valid::payload(&node, &mut errors);
    let output = match errors.into_result() {
        Ok(()) => expand::payload(&node),
        Err(error) => with_stub(&error, fallback::payload(&node)),
    };
    output.into()
}

fn with_stub(error: &syn::Error, stub: TokenStream) -> TokenStream {
    let mut output = error.to_compile_error();
    output.extend(stub);
    output
}
