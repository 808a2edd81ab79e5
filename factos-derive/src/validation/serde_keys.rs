//! Keys of serde that would have no effect on an event.

use syn::Attribute;

use crate::{
    ast::{Input, StoredType},
    attr::serde_attr,
    errors::Errors,
};

/// Reports the keys of the container.
pub(super) fn container(input: &Input<'_>, errors: &mut Errors) {
    let names_itself =
        input.attr.rename_all.is_some() || input.types.iter().all(|stored| stored.name.is_explicit);
    let problem = |key: &str| match key {
        "rename_all" if input.is_enum && !names_itself => Some(
            "serde does not name event types: use `#[event(rename_all = \"...\")]`, or \
             `#[serde(rename_all_fields = \"...\")]` for the fields",
        ),
        "from" | "try_from" | "into" => Some(
            "an event is stored field by field: use this on the type of a field, or `with` on a field",
        ),
        "transparent" | "remote" => {
            Some("an event is stored field by field: use this on the type of a field")
        }
        _ => None,
    };
    report(&input.node.attrs, problem, errors);
}

/// Reports the keys of a variant.
pub(super) fn variant(stored: &StoredType<'_>, errors: &mut Errors) {
    let is_explicit = stored.name.is_explicit;
    let problem = |key: &str| match key {
        "rename" if !is_explicit => {
            Some("serde does not name event types: use `#[event(\"...\")]`")
        }
        "alias" if stored.aliases.is_empty() && !is_explicit => {
            Some("serde does not name event types: use `#[event(alias = \"...\")]`")
        }
        "flatten" => Some("serde flattens fields: use `#[event(flatten)]` for an event"),
        "skip" | "skip_serializing" | "skip_deserializing" => Some(
            "every variant of an event is stored: use this on a field, or take the variant out",
        ),
        "other" | "untagged" => {
            Some("serde does not choose the variant of an event: its stored name does")
        }
        _ => None,
    };
    report(stored.attrs, problem, errors);
}

fn report(
    attrs: &[Attribute],
    problem: impl Fn(&str) -> Option<&'static str>,
    errors: &mut Errors,
) {
    for key in serde_attr::keys(attrs) {
        if let Some(text) = problem(&key.ident.to_string()) {
            errors.push(syn::Error::new(key.ident.span(), text));
        }
    }
}
