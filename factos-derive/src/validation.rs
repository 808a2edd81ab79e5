//! The rules that one attribute alone cannot check.

use std::collections::HashMap;

use syn::{Data, DeriveInput, Fields, Type};

use crate::{
    ast::{Body, Field, Input, StoredType},
    attr::serde_attr,
    errors::Errors,
    ident::unraw,
    tag_key,
};

mod names;
mod serde_keys;
mod serde_names;
mod versions;

use self::serde_names::Surroundings;

pub(crate) fn event(input: &Input<'_>, errors: &mut Errors) {
    concrete(input.node, "event types are concrete and own their data", errors);
    match &input.node.data {
        Data::Union(data) => {
            errors.at(data.union_token, "`Event` works on enums and structs");
        }
        Data::Enum(data) if data.variants.is_empty() => {
            errors.at(&input.node.ident, "an event enum needs a variant");
        }
        Data::Enum(_) | Data::Struct(_) => {}
    }
    names::names(input, errors);
    names::nested(input, errors);
    versions::versions(input, errors);
    keys(input, errors);
    serde_keys::container(input, errors);
    for stored in &input.types {
        if input.is_enum {
            serde_keys::variant(stored, errors);
        }
        serde_fields(input, stored, errors);
    }
}

pub(crate) fn tag_value(node: &DeriveInput, errors: &mut Errors) {
    concrete(node, "a tag value has no type parameters or lifetimes", errors);
}

pub(crate) fn payload(node: &DeriveInput, errors: &mut Errors) {
    for lifetime in node.generics.lifetimes() {
        errors.at(lifetime, "a payload owns its data: it has no lifetimes");
    }
    if let Data::Union(data) = &node.data {
        errors.at(data.union_token, "`Payload` works on enums and structs");
    }
    let named = |fields: &'_ Fields, surroundings: &Surroundings, errors: &mut Errors| {
        let fields = fields.iter();
        let named = fields.filter_map(|field| Some((field.ident.as_ref()?, &field.attrs[..])));
        serde_names::fields(named, surroundings, errors);
    };
    match &node.data {
        Data::Struct(data) => named(&data.fields, &Surroundings::of_struct(&node.attrs), errors),
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| (&variant.ident, &variant.attrs[..]));
            serde_names::variants(variants, &node.attrs, errors);
            for variant in &data.variants {
                let surroundings = Surroundings::of_variant(&node.attrs, &variant.attrs);
                named(&variant.fields, &surroundings, errors);
            }
        }
        Data::Union(_) => {}
    }
}

/// Reports type parameters, lifetimes and where clauses.
fn concrete(node: &DeriveInput, message: &str, errors: &mut Errors) {
    let generics = &node.generics;
    if !generics.params.is_empty() {
        errors.at(generics, message);
    } else if let Some(clause) = &generics.where_clause {
        errors.at(clause, message);
    }
}

fn keys(input: &Input<'_>, errors: &mut Errors) {
    let mut methods: HashMap<String, &str> = HashMap::new();
    for (_, tag) in input.tags() {
        if let Some(problem) = tag_key::problem(&tag.key) {
            errors.push(syn::Error::new(tag.span, problem));
            continue;
        }
        let Some(method) = &tag.method else { continue };
        let first = *methods.entry(unraw(method)).or_insert(&tag.key);
        if first != tag.key {
            let key = &tag.key;
            let text = format!("`{key}` and `{first}` would both be the query method `{method}`");
            errors.push(syn::Error::new(tag.span, text));
        }
    }
}

fn serde_fields(input: &Input<'_>, stored: &StoredType<'_>, errors: &mut Errors) {
    if input.is_enum {
        serde_borrow(stored.attrs, errors);
    }
    if let Body::Newtype(payload) = &stored.body {
        serde_borrow(payload.attrs, errors);
    }
    let container = &input.node.attrs;
    let surroundings = if input.is_enum {
        Surroundings::of_variant(container, stored.attrs)
    } else {
        Surroundings::of_struct(container)
    };
    let named = stored.body.fields().iter().map(|field| (field.ident, field.attrs));
    serde_names::fields(named, &surroundings, errors);
    let has_default = serde_attr::keys(container).iter().any(|key| key.is("default"));
    for field in stored.body.fields() {
        serde_borrow(field.attrs, errors);
        serde_skips(field, has_default, errors);
        if input.node.generics.params.is_empty() {
            borrowed(field, errors);
        }
    }
}

fn serde_skips(field: &Field<'_>, has_default: bool, errors: &mut Errors) {
    let keys = serde_attr::keys(field.attrs);
    let has = |names: &[&str]| keys.iter().any(|key| key.is_one_of(names));
    if has(&["skip", "skip_serializing", "skip_deserializing"]) {
        for tag in &field.tags {
            let text = "serde skips this field: its tag could not be rebuilt after reading";
            errors.at(tag.attr, text);
        }
    }
    // A field that is not read needs no default, and a missing `Option` is `None` unless a function
    // reads it.
    let is_defaulted = has_default
        || has(&["default", "skip", "skip_deserializing", "flatten"])
        || (is_option(&field.ty) && !has(&["with", "deserialize_with"]));
    let skips = ["skip_serializing", "skip_serializing_if"];
    for key in keys.iter().filter(|key| !is_defaulted && key.is_one_of(&skips)) {
        let text = "an event without this field could not be read: add `default`";
        errors.push(syn::Error::new(key.ident.span(), text));
    }
}

/// Reports a field that serde would borrow from the payload, which is gone once the event is read.
fn borrowed(field: &Field<'_>, errors: &mut Errors) {
    let reads_itself = ["skip", "skip_deserializing", "with", "deserialize_with"];
    let keys = serde_attr::keys(field.attrs);
    let has_lifetime = matches!(field.ty, Type::Reference(_));
    if has_lifetime && !keys.iter().any(|k| k.is_one_of(&reads_itself)) {
        errors.at(&field.ty, "events own their data: hold an owned value, such as a `String`");
    }
}

fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "Option"))
}

fn serde_borrow(attrs: &[syn::Attribute], errors: &mut Errors) {
    for key in serde_attr::keys(attrs).iter().filter(|key| key.is("borrow")) {
        let text = "events own their data: nothing can be borrowed from the payload";
        errors.push(syn::Error::new(key.ident.span(), text));
    }
}
