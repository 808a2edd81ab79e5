use std::slice;

use proc_macro2::Span;
use syn::{
    Attribute, DeriveInput, Fields, Ident, Token, TypePath, Variant, punctuated::Punctuated,
};

use super::field::Field;
use crate::{
    attr::{EventAttr, UpcastStep, Version},
    errors::Errors,
    ident::unraw,
    self_type,
};

/// A variant, or the struct itself.
pub(crate) struct StoredType<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) attrs: &'a [Attribute],
    pub(crate) name: Name,
    pub(crate) aliases: Vec<syn::LitStr>,
    pub(crate) version: Version,
    pub(crate) since: Option<Version>,
    pub(crate) upcast: Vec<UpcastStep>,
    pub(crate) upcast_json: Vec<UpcastStep>,
    pub(crate) tags_with: Option<TypePath>,
    /// Whether a part of its attributes could not be parsed.
    pub(crate) is_broken: bool,
    pub(crate) body: Body<'a>,
}

/// The stored name, and where it is written.
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
    pub(crate) is_explicit: bool,
}

pub(crate) enum Body<'a> {
    Unit,
    Named(Vec<Field<'a>>),
    /// The payload of a variant, alone.
    Newtype(Box<Field<'a>>),
}

impl<'a> StoredType<'a> {
    pub(super) fn new(
        node: &DeriveInput,
        ident: &'a Ident,
        attrs: &'a [Attribute],
        container: &EventAttr,
        mut own: EventAttr,
        body: Body<'a>,
    ) -> Self {
        for step in own.upcast.iter_mut().chain(&mut own.upcast_json) {
            step.path = self_type::replaced_in_path(&step.path, &node.ident);
        }
        let tags_with = own.tags_with.as_ref();
        let tags_with = tags_with.map(|path| self_type::replaced_in_path(path, &node.ident));
        own.upcast.sort_by_key(|step| step.from);
        own.upcast_json.sort_by_key(|step| step.from);
        Self {
            ident,
            attrs,
            name: Name::new(container, &own, ident),
            aliases: own.aliases,
            version: own.version.unwrap_or(Version { number: 1, span: ident.span() }),
            since: own.since,
            upcast: own.upcast,
            upcast_json: own.upcast_json,
            tags_with,
            is_broken: own.is_broken,
            body,
        }
    }

    /// The oldest version that can be decoded.
    pub(crate) fn oldest(&self) -> u32 {
        self.since.map_or(1, |since| since.number)
    }
}

impl Name {
    fn new(container: &EventAttr, own: &EventAttr, ident: &Ident) -> Self {
        if let Some(name) = &own.name {
            return Self { text: name.value(), span: name.span(), is_explicit: true };
        }
        let ident_name = unraw(ident);
        let name = container.rename_all.map_or(ident_name.clone(), |case| case.apply(&ident_name));
        let prefix = container.prefix.clone();
        Self { text: prefix.unwrap_or_default() + &name, span: ident.span(), is_explicit: false }
    }
}

impl<'a> Body<'a> {
    pub(super) fn from_variant(
        node: &DeriveInput,
        variant: &'a Variant,
        errors: &mut Errors,
    ) -> Option<Self> {
        match &variant.fields {
            Fields::Unit => Some(Self::Unit),
            Fields::Named(fields) => Some(Self::named(node, &fields.named, errors)),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let field = &fields.unnamed[0];
                Some(Self::Newtype(Box::new(Field::payload(node, &variant.ident, field, errors))))
            }
            Fields::Unnamed(fields) => {
                errors.at(fields, "name the fields, or hold one payload type");
                None
            }
        }
    }

    fn named(
        node: &DeriveInput,
        fields: &'a Punctuated<syn::Field, Token![,]>,
        errors: &mut Errors,
    ) -> Self {
        let fields = fields.iter();
        Self::Named(fields.filter_map(|field| Field::from_syn(node, field, errors)).collect())
    }

    /// The named fields.
    pub(crate) fn fields(&self) -> &[Field<'a>] {
        match self {
            Self::Unit | Self::Newtype(_) => &[],
            Self::Named(fields) => fields,
        }
    }

    /// What may have tags: the named fields, or the payload.
    pub(crate) fn parts(&self) -> &[Field<'a>] {
        match self {
            Self::Newtype(payload) => slice::from_ref(payload),
            _ => self.fields(),
        }
    }
}

pub(super) fn struct_body<'a>(
    node: &DeriveInput,
    fields: &'a Fields,
    errors: &mut Errors,
) -> Option<Body<'a>> {
    match fields {
        Fields::Unit => Some(Body::Unit),
        Fields::Named(fields) => Some(Body::named(node, &fields.named, errors)),
        Fields::Unnamed(fields) => {
            errors.at(fields, "name the fields of a struct event");
            None
        }
    }
}
