//! The attributes, each value with the tokens that it came from.

use syn::{Attribute, Ident, LitInt, LitStr, Meta, Path, parse::Parser};

use crate::{
    case::{CASES, Case},
    errors::Errors,
};

mod entry;
mod keys;
pub(crate) mod serde;

use entry::{Entry, split};
pub(crate) use keys::Place;

/// What `#[event(...)]` says about an enum, a struct or a variant.
#[derive(Default)]
pub(crate) struct EventAttr {
    pub(crate) prefix: Option<String>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) facade: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<u32>,
}

/// One `#[tag]`.
pub(crate) struct TagAttr<'a> {
    pub(crate) key: Option<LitStr>,
    pub(crate) attr: &'a Attribute,
}

impl EventAttr {
    pub(crate) fn parse(attrs: &[Attribute], place: Place, errors: &mut Errors) -> Self {
        let mut parsed = Self::default();
        let mut seen = Vec::new();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("event")) {
            let Meta::List(list) = &attr.meta else {
                errors.at(attr, "expected `#[event(...)]`");
                continue;
            };
            for tokens in split(list.tokens.clone()) {
                let entry = errors.ok(Entry::parse(&tokens));
                let Some(entry) = entry else { continue };
                if let Err(error) =
                    place.check(&entry).and_then(|()| once(&mut seen, entry.key_or("name"), &entry))
                {
                    errors.push(error);
                } else if let Err(error) = parsed.set(&entry) {
                    errors.push(error);
                }
            }
        }
        parsed
    }

    fn set(&mut self, entry: &Entry) -> syn::Result<()> {
        match entry.key_or("name").as_str() {
            "prefix" => self.prefix = Some(prefix(&entry.string()?)?),
            "rename_all" => self.rename_all = Some(case(&entry.string()?)?),
            "crate" => self.facade = Some(facade(entry)?),
            "version" => self.version = Some(version(entry)?),
            _ => self.name = Some(entry.string()?),
        }
        Ok(())
    }
}

impl<'a> TagAttr<'a> {
    pub(crate) fn parse(attrs: &'a [Attribute], errors: &mut Errors) -> Vec<Self> {
        let tags = attrs.iter().filter(|attr| attr.path().is_ident("tag"));
        tags.filter_map(|attr| errors.ok(Self::parse_one(attr))).collect()
    }

    fn parse_one(attr: &'a Attribute) -> syn::Result<Self> {
        let tokens = match &attr.meta {
            Meta::Path(_) => return Ok(Self { key: None, attr }),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                let text = "expected `#[tag]` or `#[tag(\"key\")]`";
                return Err(syn::Error::new_spanned(attr, text));
            }
        };
        let (mut key, mut seen) = (None, Vec::new());
        for tokens in split(tokens) {
            let entry = Entry::parse(&tokens)?;
            keys::check_tag(&entry)?;
            once(&mut seen, entry.key_or("key"), &entry)?;
            key = Some(entry.string()?);
        }
        Ok(Self { key, attr })
    }
}

/// Reports attributes of this name, where they have no meaning.
pub(crate) fn refuse(attrs: &[Attribute], name: &str, message: &str, errors: &mut Errors) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        errors.at(attr, message);
    }
}

fn once(seen: &mut Vec<String>, key: String, entry: &Entry) -> syn::Result<()> {
    if seen.contains(&key) {
        return Err(entry.error(format!("`{key}` is set twice")));
    }
    seen.push(key);
    Ok(())
}

fn prefix(text: &LitStr) -> syn::Result<String> {
    let prefix = text.value();
    if prefix.chars().any(char::is_control) {
        let problem = "an event name cannot hold a control character";
        return Err(syn::Error::new(text.span(), problem));
    }
    Ok(prefix)
}

fn case(text: &LitStr) -> syn::Result<Case> {
    let value = text.value();
    let known = CASES.iter().find(|(name, _)| *name == value);
    known.map(|(_, case)| *case).ok_or_else(|| {
        let all = keys::quoted(CASES.iter().map(|(name, _)| *name));
        syn::Error::new(text.span(), format!("unknown case, expected one of {all}"))
    })
}

fn facade(entry: &Entry) -> syn::Result<Path> {
    let text = "expected a path: `crate = path::to::factos`";
    Path::parse_mod_style.parse2(entry.value.clone()).map_err(|_| entry.error_at_value(text))
}

fn version(entry: &Entry) -> syn::Result<u32> {
    let text = "versions are integers from 1: `version = 2`";
    let literal: LitInt =
        syn::parse2(entry.value.clone()).map_err(|_| entry.error_at_value(text))?;
    match literal.base10_parse() {
        Ok(0) => Err(syn::Error::new(literal.span(), "versions start at 1")),
        Ok(version) => Ok(version),
        Err(_) => Err(syn::Error::new(literal.span(), text)),
    }
}

/// A name for messages: raw identifiers without their `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}
