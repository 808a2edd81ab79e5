use syn::{Data, DeriveInput, Fields, Member, Type};

use crate::{crate_path::CratePath, errors::Errors};

/// The parsed input of `#[derive(TagValue)]` on a struct with one field.
pub(crate) struct Newtype<'a> {
    pub(crate) node: &'a DeriveInput,
    pub(crate) crate_path: CratePath,
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
}

impl<'a> Newtype<'a> {
    pub(crate) fn from_syn(node: &'a DeriveInput, errors: &mut Errors) -> Option<Self> {
        let text = "`TagValue` is derived for newtypes, which are structs with one field, and for enums without fields";
        let fields = match &node.data {
            Data::Struct(data) => &data.fields,
            Data::Enum(_) => return None,
            Data::Union(data) => {
                errors.at(data.union_token, text);
                return None;
            }
        };
        let mut all = fields.iter();
        let (Some(field), None) = (all.next(), all.next()) else {
            match fields {
                Fields::Unit => errors.at(&node.ident, text),
                Fields::Named(_) | Fields::Unnamed(_) => errors.at(fields, text),
            }
            return None;
        };
        let member = match &field.ident {
            Some(ident) => Member::Named(ident.clone()),
            None => Member::from(0),
        };
        Some(Self { node, crate_path: CratePath::of(node), member, ty: &field.ty })
    }
}
