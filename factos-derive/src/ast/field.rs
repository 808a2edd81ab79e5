use proc_macro2::Span;
use syn::{Attribute, DeriveInput, Ident, Type};

use crate::{
    attr::{TagAttr, TagConversion, placement},
    errors::Errors,
    ident::unraw,
    self_type, tag_key,
};

/// A named field, or the payload of a variant that holds nothing else.
pub(crate) struct Field<'a> {
    /// Its name; that of the variant for a payload.
    pub(crate) ident: &'a Ident,
    pub(crate) attrs: &'a [Attribute],
    /// The type as it is written, with `Self` spelled out: within a serde proxy `Self` is another type.
    pub(crate) ty: Type,
    pub(crate) tags: Vec<Tag<'a>>,
}

pub(crate) struct Tag<'a> {
    pub(crate) key: String,
    pub(crate) method: Option<Ident>,
    pub(crate) span: Span,
    pub(crate) conversion: TagConversion,
    pub(crate) attr: &'a Attribute,
}

impl<'a> Field<'a> {
    pub(super) fn from_syn(
        node: &DeriveInput,
        field: &'a syn::Field,
        errors: &mut Errors,
    ) -> Option<Self> {
        placement::refuse_event(&field.attrs, errors);
        let ident = field.ident.as_ref()?;
        Some(Self::new(node, ident, field, TagAttr::parse(&field.attrs, errors)))
    }

    /// The payload of a variant, which has no name that could be the key of its tags.
    pub(super) fn payload(
        node: &DeriveInput,
        variant: &'a Ident,
        field: &'a syn::Field,
        errors: &mut Errors,
    ) -> Self {
        placement::refuse_event(&field.attrs, errors);
        let mut tags = TagAttr::parse(&field.attrs, errors);
        for tag in tags.iter().filter(|tag| tag.key.is_none()) {
            errors.at(tag.attr, "this field has no name: write the key, as in `#[tag(\"key\")]`");
        }
        tags.retain(|tag| tag.key.is_some());
        Self::new(node, variant, field, tags)
    }

    fn new(
        node: &DeriveInput,
        ident: &'a Ident,
        field: &'a syn::Field,
        tags: Vec<TagAttr<'a>>,
    ) -> Self {
        Self {
            ident,
            attrs: &field.attrs,
            ty: self_type::replaced(&field.ty, &node.ident),
            tags: tags.into_iter().map(|attr| Tag::new(node, attr, ident)).collect(),
        }
    }
}

impl<'a> Tag<'a> {
    fn new(node: &DeriveInput, attr: TagAttr<'a>, field: &Ident) -> Self {
        let (key, span) = match &attr.key {
            Some(key) => (key.value(), key.span()),
            None => (unraw(field), field.span()),
        };
        let conversion = match attr.conversion {
            TagConversion::With { function, value } => TagConversion::With {
                function: Box::new(self_type::replaced_in_path(&function, &node.ident)),
                value: value.map(|ty| Box::new(self_type::replaced(&ty, &node.ident))),
            },
            conversion => conversion,
        };
        Self { method: tag_key::method(&key, span), key, span, conversion, attr: attr.attr }
    }
}
