use tag_values::TagKey;

use crate::{event_type::EventType, invalid_query::InvalidQuery, text_rules};

pub(crate) mod distinct;
pub(crate) mod parts;
pub(crate) mod tag_values;
mod text;

/// The stored types that an event type writes and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema {
    /// The stored types, one per variant, and those of the event types that it includes.
    pub types: &'static [TypeInfo],
    tag_keys: &'static [TagKey],
}

/// One stored type of a schema: its name, aliases, versions, tag keys and fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeInfo {
    /// The stored name.
    pub name: &'static str,
    /// The names under which older code stored it.
    pub aliases: &'static [&'static str],
    /// The schema version that is written now.
    pub version: u32,
    /// The oldest version that is read.
    pub since: u32,
    /// The keys of its tags, each once.
    pub tag_keys: &'static [&'static str],
    /// The shape of its payload, as the Rust item spells it.
    pub fields: &'static str,
    /// The Rust item that declares it, as `module::path::Type::Variant`.
    pub origin: &'static str,
}

impl Schema {
    /// The schema of these types.
    #[must_use]
    pub const fn new(types: &'static [TypeInfo]) -> Self {
        Self { types, tag_keys: &[] }
    }

    /// The same schema, whose keys have these values.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_keys(mut self, keys: &'static [TagKey]) -> Self {
        self.tag_keys = keys;
        self
    }

    /// The keys of its tags.
    #[doc(hidden)]
    #[must_use]
    pub const fn keys(&self) -> &'static [TagKey] {
        self.tag_keys
    }

    /// The stored type of this name or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static TypeInfo> {
        self.types.iter().find(|info| info.name == name || info.aliases.contains(&name))
    }
}

impl TypeInfo {
    /// A type without aliases, older versions or tags.
    #[must_use]
    pub const fn new(name: &'static str, version: u32, origin: &'static str) -> Self {
        Self { name, aliases: &[], version, since: version, tag_keys: &[], fields: "", origin }
    }

    /// The same type, read under these names as well.
    #[must_use]
    pub const fn with_aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same type, read from this version on.
    #[must_use]
    pub const fn with_since(mut self, since: u32) -> Self {
        self.since = since;
        self
    }

    /// The same type with tags under these keys.
    #[must_use]
    pub const fn with_tag_keys(mut self, keys: &'static [&'static str]) -> Self {
        self.tag_keys = keys;
        self
    }

    /// The same type with a payload of this shape.
    #[must_use]
    pub const fn with_fields(mut self, fields: &'static str) -> Self {
        self.fields = fields;
        self
    }

    /// The stored name and the aliases, without an allocation.
    pub(crate) fn event_types(&self) -> impl Iterator<Item = Result<EventType, InvalidQuery>> {
        let names = [self.name].into_iter().chain(self.aliases.iter().copied());
        names.map(|name| {
            if text_rules::is_name(name) {
                Ok(EventType::from_static(name))
            } else {
                Err(InvalidQuery::NoType)
            }
        })
    }
}
