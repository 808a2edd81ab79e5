use std::collections::HashMap;

use syn::{DataEnum, DeriveInput, Fields, Ident};

use crate::{
    attr::serde_attr::{self, Direction, text},
    case::CASES,
    crate_path::CratePath,
    errors::Errors,
    ident::unraw,
};

/// The parsed input of `#[derive(TagValue)]` on an enum without fields.
pub(crate) struct UnitEnum<'a> {
    pub(crate) node: &'a DeriveInput,
    pub(crate) crate_path: CratePath,
    /// Each variant with its text, which is the one that serde writes.
    pub(crate) variants: Vec<(&'a Ident, String)>,
}

impl<'a> UnitEnum<'a> {
    pub(crate) fn from_syn(node: &'a DeriveInput, data: &'a DataEnum, errors: &mut Errors) -> Self {
        let mut seen: HashMap<String, &Ident> = HashMap::new();
        let mut variants = Vec::new();
        let case = text(&serde_attr::keys(&node.attrs), "rename_all", Direction::Write);
        let case = case.and_then(|case| CASES.iter().find(|(name, _)| *name == case));
        for variant in &data.variants {
            if !matches!(variant.fields, Fields::Unit) {
                let text = "only an enum without fields is a tag value: a tag is one stable text";
                errors.at(&variant.fields, text);
                continue;
            }
            let keys = serde_attr::keys(&variant.attrs);
            let text = text(&keys, "rename", Direction::Write).unwrap_or_else(|| {
                let name = unraw(&variant.ident);
                case.map_or(name.clone(), |(_, case)| case.apply(&name))
            });
            if let Some(first) = seen.insert(text.clone(), &variant.ident) {
                let problem = format!("`{text}` is the text of `{}` already", unraw(first));
                errors.at(&variant.ident, problem);
            }
            variants.push((&variant.ident, text));
        }
        if data.variants.is_empty() {
            errors.at(&node.ident, "a tag value needs a variant");
        }
        Self { node, crate_path: CratePath::of(node), variants }
    }
}
