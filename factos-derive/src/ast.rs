//! The parsed form of a derived event, which borrows from the input.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Ident, Type, Variant};

use crate::{
    attr::{EventAttr, Place, lint_attr, placement},
    crate_path::CratePath,
    errors::Errors,
    ident::{generated, unraw},
    self_type,
};

mod field;
mod stored_type;

pub(crate) use field::{Field, Tag};
use stored_type::struct_body;
pub(crate) use stored_type::{Body, StoredType};

const ONE_EVENT: &str = "`flatten` needs a variant that holds exactly one event";

/// An enum or a struct with its stored types.
pub(crate) struct Input<'a> {
    pub(crate) node: &'a DeriveInput,
    /// The name of the type, for generated code.
    pub(crate) ident: Ident,
    /// The lints that generated code must allow too, as an attribute.
    pub(crate) allowed: TokenStream,
    pub(crate) attr: EventAttr,
    pub(crate) crate_path: CratePath,
    pub(crate) is_enum: bool,
    pub(crate) types: Vec<StoredType<'a>>,
    pub(crate) nested: Vec<Nested<'a>>,
}

/// A variant with `flatten`, which holds another event type.
pub(crate) struct Nested<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: Type,
}

enum Parsed<'a> {
    Stored(StoredType<'a>),
    Nested(Nested<'a>),
}

impl<'a> Input<'a> {
    /// Parses the input. A part with an error is reported and left out, so later checks do not see it.
    pub(crate) fn from_syn(node: &'a DeriveInput, errors: &mut Errors) -> Self {
        placement::refuse_tag(&node.attrs, errors);
        let is_enum = !matches!(node.data, Data::Struct(_));
        let place = if is_enum { Place::Enum } else { Place::Struct };
        let mut attr = EventAttr::parse(&node.attrs, place, errors);
        if is_enum {
            companion_names(node, &mut attr, errors);
        }
        let (mut types, mut nested) = (Vec::new(), Vec::new());
        match &node.data {
            Data::Struct(data) => {
                let body = struct_body(node, &data.fields, errors);
                let own = EventAttr::take_type(&mut attr);
                types.extend(
                    body.map(|body| {
                        StoredType::new(node, &node.ident, &node.attrs, &attr, own, body)
                    }),
                );
            }
            Data::Enum(data) => {
                for variant in &data.variants {
                    match parse_variant(node, &attr, variant, errors) {
                        Some(Parsed::Stored(stored)) => types.push(stored),
                        Some(Parsed::Nested(inner)) => nested.push(inner),
                        None => {}
                    }
                }
            }
            Data::Union(_) => {}
        }
        Self {
            node,
            ident: generated(&node.ident),
            allowed: lint_attr::allowed(node),
            crate_path: CratePath::new(&node.ident, attr.crate_path.as_ref()),
            attr,
            is_enum,
            types,
            nested,
        }
    }

    /// Every tag with its field, in order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&Field<'a>, &Tag<'a>)> {
        let fields = self.types.iter().flat_map(|stored| stored.body.parts());
        fields.flat_map(|field| field.tags.iter().map(move |tag| (field, tag)))
    }

    /// The path of a stored type in `match self`.
    pub(crate) fn path(&self, stored: &StoredType<'_>) -> TokenStream {
        let ident = stored.ident;
        if self.is_enum { quote!(Self::#ident) } else { quote!(Self) }
    }
}

/// Reports a kind and a query of the same name, and continues with the default names.
fn companion_names(node: &DeriveInput, attr: &mut EventAttr, errors: &mut Errors) {
    let event = unraw(&node.ident);
    let name = |own: &Option<Ident>, suffix: &str| match own {
        Some(own) => unraw(own),
        None => format!("{event}{suffix}"),
    };
    let given = attr.query.as_ref().or(attr.kind.as_ref());
    let (kind, query) = (name(&attr.kind, "Kind"), name(&attr.query, "Query"));
    if let Some(given) = given.filter(|_| kind == query) {
        errors.at(given, format!("`{given}` is the name of both the kind and the query"));
        (attr.kind, attr.query) = (None, None);
    }
}

fn parse_variant<'a>(
    node: &'a DeriveInput,
    container: &EventAttr,
    variant: &'a Variant,
    errors: &mut Errors,
) -> Option<Parsed<'a>> {
    placement::refuse_tag(&variant.attrs, errors);
    let attr = EventAttr::parse(&variant.attrs, Place::Variant, errors);
    if let Some(flatten) = &attr.flatten {
        return nested(node, &attr, flatten, variant, errors).map(Parsed::Nested);
    }
    let body = Body::from_variant(node, variant, errors)?;
    let stored = StoredType::new(node, &variant.ident, &variant.attrs, container, attr, body);
    Some(Parsed::Stored(stored))
}

fn nested<'a>(
    node: &DeriveInput,
    attr: &EventAttr,
    flatten: &Ident,
    variant: &'a Variant,
    errors: &mut Errors,
) -> Option<Nested<'a>> {
    for key in attr.keys.iter().filter(|key| *key != "flatten") {
        let text = "the event within `flatten` has names, versions and tags of its own";
        errors.push(syn::Error::new(key.span(), text));
    }
    if let Some(name) = attr.name.as_ref().filter(|_| !attr.keys.iter().any(|key| key == "name")) {
        errors.at(name, "the event within `flatten` has names, versions and tags of its own");
    }
    let Fields::Unnamed(fields) = &variant.fields else {
        errors.push(syn::Error::new(flatten.span(), ONE_EVENT));
        return None;
    };
    let mut all = fields.unnamed.iter();
    let (Some(field), None) = (all.next(), all.next()) else {
        errors.push(syn::Error::new(flatten.span(), ONE_EVENT));
        return None;
    };
    placement::refuse_tag(&field.attrs, errors);
    placement::refuse_event(&field.attrs, errors);
    Some(Nested { ident: &variant.ident, ty: self_type::replaced(&field.ty, &node.ident) })
}
