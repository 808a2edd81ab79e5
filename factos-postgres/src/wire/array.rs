use factos::{EventId, EventType, QueryItem};
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, types::Oid},
};

const UUID: Oid = Oid(2950);
const UUIDS: Oid = Oid(2951);

/// An id as the server's `uuid`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(pub(crate) EventId);

impl Type<Postgres> for Id {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(UUID)
    }
}

impl PgHasArrayType for Id {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(UUIDS)
    }
}

impl Encode<'_, Postgres> for Id {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0.to_bytes());
        Ok(IsNull::No)
    }
}

/// The items of a query by columns: the array literal of each one's types, and that of its tags.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Items {
    pub(crate) types: Vec<String>,
    pub(crate) tags: Vec<String>,
}

impl Items {
    pub(crate) fn push(&mut self, item: &QueryItem) {
        self.types.push(array_literal(item.types().map(EventType::as_str)));
        self.tags.push(array_literal(item.tags().iter()));
    }

    /// Adds an item that every event matches.
    pub(crate) fn push_any(&mut self) {
        self.types.push(array_literal([].into_iter()));
        self.tags.push(array_literal([].into_iter()));
    }
}

/// The literal of a `text[]`.
pub(crate) fn array_literal<'a>(elements: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("{");
    for element in elements {
        text.push_str(if text.len() == 1 { "\"" } else { ",\"" });
        for character in element.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::array_literal;

    #[test]
    fn literals_are_quoted_and_escaped() {
        assert_eq!(array_literal([].into_iter()), "{}");
        assert_eq!(array_literal(["a:1", "b:2"].into_iter()), r#"{"a:1","b:2"}"#);
        assert_eq!(array_literal(["a:\"\\", "NULL"].into_iter()), r#"{"a:\"\\","NULL"}"#);
        assert_eq!(array_literal(["a:{,} '$1"].into_iter()), r#"{"a:{,} '$1"}"#);
    }
}
