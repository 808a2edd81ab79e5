use std::collections::HashMap;

use proc_macro2::Span;
use quote::ToTokens;

use crate::{
    ast::{Input, StoredType},
    errors::Errors,
    ident::unraw,
    tag_key,
};

const MAX_NAME_BYTES: usize = 255;

/// Every name and alias must be valid, unique and none of the library's.
pub(super) fn names(input: &Input<'_>, errors: &mut Errors) {
    let mut owners: HashMap<String, &StoredType<'_>> = HashMap::new();
    for stored in &input.types {
        let own = (stored.name.text.clone(), stored.name.span);
        let aliases = stored.aliases.iter().map(|alias| (alias.value(), alias.span()));
        for (name, span) in [own].into_iter().chain(aliases) {
            if let Some(problem) = tag_key::text_problem(&name, MAX_NAME_BYTES) {
                errors.push(syn::Error::new(span, format!("an event name {problem}")));
            } else if name.starts_with("factos.") {
                let text = "event names from `factos.` on are reserved: choose another name";
                errors.push(syn::Error::new(span, text));
            } else if let Some(owner) = owners.get(&name) {
                errors.push(taken(&name, span, owner));
            } else {
                owners.insert(name, stored);
            }
        }
        if input.attr.explicit_names && !stored.name.is_explicit && !stored.is_broken {
            let text = "`explicit_names` asks for a stored name: add `#[event(\"...\")]`";
            errors.push(syn::Error::new(stored.ident.span(), text));
        }
    }
}

fn taken(name: &str, span: Span, owner: &StoredType<'_>) -> syn::Error {
    let owner = unraw(owner.ident);
    syn::Error::new(span, format!("`{name}` is already the type of `{owner}`"))
}

/// Every event type may stand in one variant with `flatten` only.
pub(super) fn nested(input: &Input<'_>, errors: &mut Errors) {
    let mut seen: HashMap<String, &syn::Ident> = HashMap::new();
    for nested in &input.nested {
        let spelling = nested.ty.to_token_stream().to_string();
        if let Some(owner) = seen.insert(spelling, nested.ident) {
            let text = format!("`{}` holds this event type already", unraw(owner));
            errors.at(&nested.ty, text);
        }
    }
}
