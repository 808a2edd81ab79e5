//! The names under which serde writes and reads fields: a field must be read under the name that it is written
//! under, and no other field may have that name.

use std::iter::once;

use syn::{Attribute, Ident};

use crate::{
    attr::serde_attr::{self, Direction, Key, text},
    errors::Errors,
    ident::unraw,
};

/// A field with its attributes.
pub(super) type Named<'a> = (&'a Ident, &'a [Attribute]);

/// What surrounds the fields.
pub(super) struct Surroundings {
    /// The keys that rename all of the fields, the nearest one first.
    rename_all: Vec<Key>,
    denies_unknown: bool,
}

impl Surroundings {
    pub(super) fn of_struct(container: &[Attribute]) -> Self {
        let keys = serde_attr::keys(container);
        let denies_unknown = keys.iter().any(|key| key.is("deny_unknown_fields"));
        let rename_all = keys.into_iter().filter(|key| key.is("rename_all")).collect();
        Self { rename_all, denies_unknown }
    }

    pub(super) fn of_variant(container: &[Attribute], variant: &[Attribute]) -> Self {
        let (outer, inner) = (serde_attr::keys(container), serde_attr::keys(variant));
        let denies_unknown = outer.iter().any(|key| key.is("deny_unknown_fields"));
        let inner = inner.into_iter().filter(|key| key.is("rename_all"));
        let outer = outer.into_iter().filter(|key| key.is("rename_all_fields"));
        Self { rename_all: inner.chain(outer).collect(), denies_unknown }
    }

    fn case(&self, direction: Direction) -> Option<String> {
        self.rename_all.iter().find_map(|key| key.text(direction)).map(|text| text.value())
    }
}

/// Reports fields that serde would not read as it wrote them, and names that serde cannot make.
pub(super) fn fields<'a>(
    fields: impl Iterator<Item = Named<'a>>,
    surroundings: &Surroundings,
    errors: &mut Errors,
) {
    let mut known: Vec<Stored<'_>> = Vec::new();
    for (ident, attrs) in fields {
        let keys = serde_attr::keys(attrs);
        let stored = match Stored::of(ident, &keys, surroundings) {
            Ok(stored) => stored,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        if keys.iter().any(|key| key.is_one_of(&["skip", "flatten"])) {
            continue;
        }
        if let Some(problem) = stored.problem(&known) {
            errors.at(ident, problem);
        }
        let unread = keys.iter().find(|key| key.is("skip_deserializing"));
        if let Some(key) =
            unread.filter(|_| surroundings.denies_unknown && stored.written.is_some())
        {
            let text = "it is written, and `deny_unknown_fields` refuses to read it: use `skip`";
            errors.push(syn::Error::new(key.ident.span(), text));
        }
        known.push(stored);
    }
}

/// Reports the variants that serde cannot rename.
pub(super) fn variants<'a>(
    variants: impl Iterator<Item = Named<'a>>,
    container: &[Attribute],
    errors: &mut Errors,
) {
    let container = serde_attr::keys(container);
    let is_camel = |way| text(&container, "rename_all", way).as_deref() == Some("camelCase");
    for (ident, attrs) in variants {
        let keys = serde_attr::keys(attrs);
        let is_spelled = |way| is_camel(way) && text(&keys, "rename", way).is_none();
        let has_case = unraw(ident).starts_with(|first: char| first.is_ascii());
        if !has_case && Direction::BOTH.into_iter().any(is_spelled) {
            errors.push(no_camel_case(ident));
        }
    }
}

/// A field as it is stored.
struct Stored<'a> {
    ident: &'a Ident,
    /// Its name, if it is written.
    written: Option<String>,
    /// The names that it is read by.
    read: Vec<String>,
}

impl<'a> Stored<'a> {
    fn of(ident: &'a Ident, keys: &[Key], surroundings: &Surroundings) -> syn::Result<Self> {
        let has = |name: &str| keys.iter().any(|key| key.is(name));
        // Serde spells the names of fields also where it does not use them.
        let [out, back] = [
            name(ident, keys, surroundings, Direction::Write)?,
            name(ident, keys, surroundings, Direction::Read)?,
        ];
        let aliases = keys.iter().filter(|key| key.is("alias"));
        let aliases = aliases.filter_map(|key| Some(key.text(Direction::Read)?.value()));
        let written = (!has("skip_serializing")).then_some(out);
        let is_read = !has("skip_deserializing");
        let read = if is_read { once(back).chain(aliases).collect() } else { Vec::new() };
        Ok(Self { ident, written, read })
    }

    fn problem(&self, known: &[Self]) -> Option<String> {
        for other in known {
            let same = self.read.iter().find(|name| other.read.contains(name));
            let same =
                same.or_else(|| self.written.as_ref().filter(|_| other.written == self.written));
            if let Some(name) = same {
                return Some(format!(
                    "`{name}` is already a stored name of the field `{}`",
                    unraw(other.ident)
                ));
            }
        }
        let written = self.written.as_ref()?;
        let read = self.read.first().filter(|_| !self.read.contains(written))?;
        Some(format!(
            "it is written as `{written}` and read as `{read}`: add `#[serde(alias = \"{written}\")]`"
        ))
    }
}

/// The name that serde gives to a field.
fn name(
    ident: &Ident,
    keys: &[Key],
    surroundings: &Surroundings,
    direction: Direction,
) -> syn::Result<String> {
    if let Some(own) = text(keys, "rename", direction) {
        return Ok(own);
    }
    let name = unraw(ident);
    let words = || name.split('_').filter(|word| !word.is_empty());
    let capitalized = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    Ok(match surroundings.case(direction).as_deref() {
        Some("PascalCase") => words().map(capitalized).collect(),
        Some("camelCase") => {
            let pascal: String = words().map(capitalized).collect();
            let first = pascal.chars().next().filter(char::is_ascii);
            let first = first.ok_or_else(|| no_camel_case(ident))?;
            format!("{}{}", first.to_ascii_lowercase(), &pascal[1..])
        }
        Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => name.to_ascii_uppercase(),
        Some("kebab-case") => name.replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => name.to_ascii_uppercase().replace('_', "-"),
        _ => name,
    })
}

fn no_camel_case(ident: &Ident) -> syn::Error {
    let text = format!(
        "serde cannot spell `{}` in `camelCase`: add `#[serde(rename = \"...\")]`",
        unraw(ident)
    );
    syn::Error::new(ident.span(), text)
}
