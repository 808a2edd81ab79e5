//! Keys of serde that would have no effect on an event.

use crate::{
    ast::{Input, StoredType},
    attr::serde_attr::{self, Key},
    errors::Errors,
};

/// Reports the keys of the container.
pub(super) fn container(input: &Input<'_>, errors: &mut Errors) {
    let names_itself =
        input.attr.rename_all.is_some() || input.types.iter().all(|stored| stored.name.is_explicit);
    for key in serde_attr::keys(&input.node.attrs) {
        let text = match () {
            () if key.is("rename_all") && input.is_enum && !names_itself => {
                "serde does not name event types: use `#[event(rename_all = \"...\")]`, or \
                 `#[serde(rename_all_fields = \"...\")]` for the fields"
            }
            () if key.is_one_of(&["from", "try_from", "into"]) => {
                "an event is stored field by field: use this on the type of a field, or `with` on a field"
            }
            () if key.is_one_of(&["transparent", "remote"]) => {
                "an event is stored field by field: use this on the type of a field"
            }
            () => continue,
        };
        report(&key, text, errors);
    }
}

/// Reports the keys of a variant.
pub(super) fn variant(stored: &StoredType<'_>, errors: &mut Errors) {
    for key in serde_attr::keys(stored.attrs) {
        let text = match () {
            () if key.is("rename") && !stored.name.is_explicit => {
                "serde does not name event types: use `#[event(\"...\")]`"
            }
            () if key.is("alias") && stored.aliases.is_empty() && !stored.name.is_explicit => {
                "serde does not name event types: use `#[event(alias = \"...\")]`"
            }
            () if key.is("flatten") => {
                "serde flattens fields: use `#[event(flatten)]` for an event"
            }
            () if key.is_one_of(&["skip", "skip_serializing", "skip_deserializing"]) => {
                "every variant of an event is stored: use this on a field, or take the variant out"
            }
            () if key.is_one_of(&["other", "untagged"]) => {
                "serde does not choose the variant of an event: its stored name does"
            }
            () => continue,
        };
        report(&key, text, errors);
    }
}

fn report(key: &Key, text: &str, errors: &mut Errors) {
    errors.push(syn::Error::new(key.ident.span(), text));
}
