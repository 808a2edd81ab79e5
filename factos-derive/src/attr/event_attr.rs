use syn::{Attribute, Ident, LitStr, Meta, Path, TypePath};

use super::{
    meta_item::{MetaItem, split},
    placement::{self, Place},
    unknown_key,
    upcast_step::UpcastStep,
    version::Version,
};
use crate::{
    case::{CASES, Case},
    errors::Errors,
};

/// What `#[event(...)]` says about an enum, a struct or a variant.
#[derive(Default)]
pub(crate) struct EventAttr {
    pub(crate) prefix: Option<String>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) explicit_names: bool,
    pub(crate) codec: Option<TypePath>,
    pub(crate) kind: Option<Ident>,
    pub(crate) query: Option<Ident>,
    pub(crate) crate_path: Option<Path>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<Version>,
    pub(crate) since: Option<Version>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) upcast: Vec<UpcastStep>,
    pub(crate) upcast_json: Vec<UpcastStep>,
    pub(crate) tags_with: Option<TypePath>,
    pub(crate) flatten: Option<Ident>,
    /// Whether a part of it could not be parsed.
    pub(crate) is_broken: bool,
    /// The keys in the order in which they are written.
    pub(crate) keys: Vec<Ident>,
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
                let item = errors.ok(MetaItem::parse(&tokens));
                let Some(item) = item else {
                    parsed.is_broken = true;
                    continue;
                };
                let checked = place.check(&item).and_then(|()| match &*item.key_or("name") {
                    "alias" => Ok(()),
                    key => placement::check_once(&mut seen, key.to_owned(), &item),
                });
                let set = errors.ok(checked.and_then(|()| parsed.set(&item)));
                parsed.is_broken |= set.is_none();
                parsed.keys.extend(item.key().cloned());
            }
        }
        parsed
    }

    /// Splits the attribute of a struct: takes out what a variant could say too, and leaves what an
    /// enum could.
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

    fn set(&mut self, item: &MetaItem) -> syn::Result<()> {
        match item.key_or("name").as_str() {
            "prefix" => self.prefix = Some(prefix(&item.string()?)?),
            "rename_all" => self.rename_all = Some(case(&item.string()?)?),
            "explicit_names" => {
                item.flag()?;
                self.explicit_names = true;
            }
            "codec" => self.codec = Some(item.value("expected a type: `codec = path::Type`")?),
            "kind" => self.kind = Some(item.value("expected a name: `kind = Name`")?),
            "query" => self.query = Some(item.value("expected a name: `query = Name`")?),
            "crate" => self.crate_path = Some(crate_path(item)?),
            "version" => self.version = Some(Version::parse(item)?),
            "since" => self.since = Some(Version::parse(item)?),
            "alias" => self.aliases.push(item.string()?),
            "upcast" => self.upcast = UpcastStep::list(item)?,
            "upcast_json" => self.upcast_json = UpcastStep::list(item)?,
            "tags_with" => {
                let text = "expected the path of a function: `tags_with = function`";
                self.tags_with = Some(item.value(text)?);
            }
            "flatten" => {
                item.flag()?;
                self.flatten = item.key().cloned();
            }
            _ => self.name = Some(item.string()?),
        }
        Ok(())
    }
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
        let all = unknown_key::quoted(CASES.iter().map(|(name, _)| *name));
        syn::Error::new(text.span(), format!("unknown case, expected one of {all}"))
    })
}

fn crate_path(item: &MetaItem) -> syn::Result<Path> {
    let text = "expected a path: `crate = path::to::factos`";
    item.value_with(Path::parse_mod_style, text)
}
