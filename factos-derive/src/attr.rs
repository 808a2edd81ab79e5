//! The attributes, each value with the tokens that it came from.

use proc_macro2::Span;
use syn::{Attribute, Ident, LitInt, LitStr, Meta, Path, TypePath};

use crate::{
    case::{CASES, Case},
    errors::Errors,
};

mod meta_item;
pub(crate) mod placement;
pub(crate) mod serde_attr;
mod upcast_step;

use meta_item::{Entry, split};
pub(crate) use placement::Place;
pub(crate) use upcast_step::Step;

/// What `#[event(...)]` says about an enum, a struct or a variant.
#[derive(Default)]
pub(crate) struct EventAttr {
    pub(crate) prefix: Option<String>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) explicit_names: bool,
    pub(crate) codec: Option<TypePath>,
    pub(crate) kind: Option<Ident>,
    pub(crate) query: Option<Ident>,
    pub(crate) facade: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<Version>,
    pub(crate) since: Option<Version>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) upcast: Vec<Step>,
    pub(crate) upcast_json: Vec<Step>,
    pub(crate) tags_with: Option<TypePath>,
    pub(crate) flatten: Option<Ident>,
    /// Whether something in it could not be read.
    pub(crate) is_broken: bool,
    /// The keys, in order.
    pub(crate) keys: Vec<Ident>,
}

/// A version as it is written.
#[derive(Clone, Copy)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) span: Span,
}

/// One `#[tag]`.
pub(crate) struct TagAttr<'a> {
    pub(crate) key: Option<LitStr>,
    pub(crate) form: TagForm,
    pub(crate) attr: &'a Attribute,
}

/// How a field makes texts.
#[derive(Clone)]
pub(crate) enum TagForm {
    Value,
    With(Box<TypePath>),
    Display,
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
                let Some(entry) = entry else {
                    parsed.is_broken = true;
                    continue;
                };
                let checked = place.check(&entry).and_then(|()| match &*entry.key_or("name") {
                    "alias" => Ok(()),
                    key => once(&mut seen, key.to_owned(), &entry),
                });
                let set = errors.ok(checked.and_then(|()| parsed.set(&entry)));
                parsed.is_broken |= set.is_none();
                parsed.keys.extend(entry.key().cloned());
            }
        }
        parsed
    }

    /// Separates what a struct says about its stored type from what it says about the names of it.
    pub(crate) fn take_type(container: &mut Self) -> Self {
        Self {
            name: container.name.take(),
            version: container.version.take(),
            since: container.since.take(),
            aliases: std::mem::take(&mut container.aliases),
            upcast: std::mem::take(&mut container.upcast),
            upcast_json: std::mem::take(&mut container.upcast_json),
            tags_with: container.tags_with.take(),
            is_broken: container.is_broken,
            ..Self::default()
        }
    }

    fn set(&mut self, entry: &Entry) -> syn::Result<()> {
        match entry.key_or("name").as_str() {
            "prefix" => self.prefix = Some(prefix(&entry.string()?)?),
            "rename_all" => self.rename_all = Some(case(&entry.string()?)?),
            "explicit_names" => {
                entry.flag()?;
                self.explicit_names = true;
            }
            "codec" => self.codec = Some(entry.value("expected a type: `codec = path::Type`")?),
            "kind" => self.kind = Some(entry.value("expected a name: `kind = Name`")?),
            "query" => self.query = Some(entry.value("expected a name: `query = Name`")?),
            "crate" => self.facade = Some(facade(entry)?),
            "version" => self.version = Some(version(entry)?),
            "since" => self.since = Some(version(entry)?),
            "alias" => self.aliases.push(entry.string()?),
            "upcast" => self.upcast = Step::list(entry)?,
            "upcast_json" => self.upcast_json = Step::list(entry)?,
            "tags_with" => {
                let text = "expected the path of a function: `tags_with = function`";
                self.tags_with = Some(entry.value(text)?);
            }
            "flatten" => {
                entry.flag()?;
                self.flatten = entry.key().cloned();
            }
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
            Meta::Path(_) => return Ok(Self { key: None, form: TagForm::Value, attr }),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                let text = "expected `#[tag]` or `#[tag(\"key\")]`";
                return Err(syn::Error::new_spanned(attr, text));
            }
        };
        let (mut key, mut form, mut seen) = (None, TagForm::Value, Vec::new());
        for tokens in split(tokens) {
            let entry = Entry::parse(&tokens)?;
            placement::check_tag(&entry)?;
            once(&mut seen, entry.key_or("key"), &entry)?;
            let is_formed = !matches!(form, TagForm::Value);
            match &*entry.key_or("key") {
                "with" | "display" if is_formed => {
                    let text = "`with` and `display` both make the text: pick one";
                    return Err(entry.error(text.to_owned()));
                }
                "with" => {
                    let text = "expected the path of a function: `with = function`";
                    form = TagForm::With(Box::new(entry.value(text)?));
                }
                "display" => {
                    entry.flag()?;
                    form = TagForm::Display;
                }
                _ => key = Some(entry.string()?),
            }
        }
        Ok(Self { key, form, attr })
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
        let all = placement::quoted(CASES.iter().map(|(name, _)| *name));
        syn::Error::new(text.span(), format!("unknown case, expected one of {all}"))
    })
}

fn facade(entry: &Entry) -> syn::Result<Path> {
    let text = "expected a path: `crate = path::to::factos`";
    entry.value_with(Path::parse_mod_style, text)
}

fn version(entry: &Entry) -> syn::Result<Version> {
    let text = format!("versions are integers from 1: `{} = 2`", entry.key_or("version"));
    let literal: LitInt = entry.value(&text)?;
    Ok(Version { number: version_of(&literal)?, span: literal.span() })
}

fn version_of(literal: &LitInt) -> syn::Result<u32> {
    match literal.base10_parse() {
        Ok(0) => Err(syn::Error::new(literal.span(), "versions start at 1")),
        Ok(version) => Ok(version),
        Err(_) => Err(syn::Error::new(literal.span(), "versions are integers from 1")),
    }
}

/// A name for messages: raw identifiers without their `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

/// The same name, of the macro: lints on generated code stay silent.
pub(crate) fn generated(ident: &Ident) -> Ident {
    let span = Span::call_site().located_at(ident.span());
    // A keyword of the macro's edition may be a name in the user's.
    let mut ident = if ident == "gen" { Ident::new_raw("gen", span) } else { ident.clone() };
    ident.set_span(span);
    ident
}
