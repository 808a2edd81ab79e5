//! A derived event as the macro understands it, borrowing the input.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Fields, Ident, Token, Type, Variant, punctuated::Punctuated,
};

use crate::{
    attr::{self, EventAttr, Place, TagAttr, unraw},
    errors::Errors,
    facade::Facade,
    key, self_type,
};

const TAGS_ON_FIELDS: &str = "tags belong on named fields";
const EVENT_ON_TYPES: &str = "`event` belongs on an enum, a variant or a struct";

/// An enum or a struct with its stored types.
pub(crate) struct Input<'a> {
    pub(crate) node: &'a DeriveInput,
    pub(crate) facade: Facade,
    pub(crate) is_enum: bool,
    pub(crate) types: Vec<StoredType<'a>>,
}

/// A variant, or the struct itself.
pub(crate) struct StoredType<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) attrs: &'a [Attribute],
    pub(crate) name: Name,
    pub(crate) version: u32,
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
    Newtype { attrs: &'a [Attribute], ty: Box<Type> },
}

pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) attrs: &'a [Attribute],
    /// As it is written, but for `Self`, which is another type in a mirror.
    pub(crate) ty: Type,
    pub(crate) tags: Vec<Tag<'a>>,
}

pub(crate) struct Tag<'a> {
    pub(crate) key: String,
    pub(crate) method: Option<Ident>,
    pub(crate) span: Span,
    pub(crate) attr: &'a Attribute,
}

impl<'a> Input<'a> {
    /// Reads what there is to read; what is missing after an error only shortens the later checks.
    pub(crate) fn from_syn(node: &'a DeriveInput, errors: &mut Errors) -> Self {
        attr::refuse(&node.attrs, "tag", TAGS_ON_FIELDS, errors);
        let is_enum = !matches!(node.data, Data::Struct(_));
        let place = if is_enum { Place::Enum } else { Place::Struct };
        let attr = EventAttr::parse(&node.attrs, place, errors);
        let types = match &node.data {
            Data::Struct(data) => {
                let body = struct_body(node, &data.fields, errors);
                let stored = body.map(|body| StoredType {
                    ident: &node.ident,
                    attrs: &node.attrs,
                    name: Name::new(&attr, &attr, &node.ident),
                    version: attr.version.unwrap_or(1),
                    body,
                });
                stored.into_iter().collect()
            }
            Data::Enum(data) => {
                let variants = data.variants.iter();
                variants
                    .filter_map(|variant| StoredType::from_variant(node, &attr, variant, errors))
                    .collect()
            }
            Data::Union(_) => Vec::new(),
        };
        Self { node, facade: Facade::new(attr.facade.as_ref()), is_enum, types }
    }

    /// Every tag with its field, in order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&Field<'a>, &Tag<'a>)> {
        let fields = self.types.iter().flat_map(|stored| stored.body.fields());
        fields.flat_map(|field| field.tags.iter().map(move |tag| (field, tag)))
    }

    /// How `match self` names a stored type.
    pub(crate) fn path(&self, stored: &StoredType<'_>) -> TokenStream {
        let ident = stored.ident;
        if self.is_enum { quote!(Self::#ident) } else { quote!(Self) }
    }
}

impl<'a> StoredType<'a> {
    fn from_variant(
        node: &DeriveInput,
        container: &EventAttr,
        variant: &'a Variant,
        errors: &mut Errors,
    ) -> Option<Self> {
        attr::refuse(&variant.attrs, "tag", TAGS_ON_FIELDS, errors);
        let attr = EventAttr::parse(&variant.attrs, Place::Variant, errors);
        let body = match &variant.fields {
            Fields::Unit => Body::Unit,
            Fields::Named(fields) => Body::named(node, &fields.named, errors),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                Body::newtype(node, &fields.unnamed[0], errors)
            }
            Fields::Unnamed(fields) => {
                errors.at(fields, "name the fields, or hold one payload type");
                return None;
            }
        };
        Some(Self {
            ident: &variant.ident,
            attrs: &variant.attrs,
            name: Name::new(container, &attr, &variant.ident),
            version: attr.version.unwrap_or(1),
            body,
        })
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
    fn named(
        node: &DeriveInput,
        fields: &'a Punctuated<syn::Field, Token![,]>,
        errors: &mut Errors,
    ) -> Self {
        let fields = fields.iter();
        Self::Named(fields.filter_map(|field| Field::from_syn(node, field, errors)).collect())
    }

    fn newtype(node: &DeriveInput, field: &'a syn::Field, errors: &mut Errors) -> Self {
        attr::refuse(&field.attrs, "tag", TAGS_ON_FIELDS, errors);
        attr::refuse(&field.attrs, "event", EVENT_ON_TYPES, errors);
        Self::Newtype {
            attrs: &field.attrs,
            ty: Box::new(self_type::replaced(&field.ty, &node.ident)),
        }
    }

    /// The named fields.
    pub(crate) fn fields(&self) -> &[Field<'a>] {
        match self {
            Self::Unit | Self::Newtype { .. } => &[],
            Self::Named(fields) => fields,
        }
    }
}

impl<'a> Field<'a> {
    fn from_syn(node: &DeriveInput, field: &'a syn::Field, errors: &mut Errors) -> Option<Self> {
        attr::refuse(&field.attrs, "event", EVENT_ON_TYPES, errors);
        let ident = field.ident.as_ref()?;
        let tags = TagAttr::parse(&field.attrs, errors).into_iter();
        Some(Self {
            ident,
            attrs: &field.attrs,
            ty: self_type::replaced(&field.ty, &node.ident),
            tags: tags.map(|attr| Tag::new(&attr, ident)).collect(),
        })
    }
}

impl<'a> Tag<'a> {
    fn new(attr: &TagAttr<'a>, field: &Ident) -> Self {
        let (key, span) = match &attr.key {
            Some(key) => (key.value(), key.span()),
            None => (unraw(field), field.span()),
        };
        Self { method: key::method(&key, span), key, span, attr: attr.attr }
    }
}

fn struct_body<'a>(
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
