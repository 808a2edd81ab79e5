use crate::{
    event::Event,
    invalid_query::InvalidQuery,
    query::{Query, QueryItem},
    query_for::QueryFor,
    schema::{Schema, TypeInfo},
    tag::Tag,
};

/// One item of a typed query: pairs of a key and a text. It selects the types that carry all of the keys.
type Item = Vec<(&'static str, String)>;

/// Adds the texts that `each` passes on to the item, which selects fewer events then.
#[must_use]
pub fn tagged(mut item: Item, key: &'static str, each: impl FnOnce(&mut dyn FnMut(&str))) -> Item {
    let before = item.len();
    each(&mut |text| item.push((key, text.to_owned())));
    // An argument without a text must not widen the query to every value of the key.
    if item.len() == before {
        item.push((key, String::new()));
    }
    item
}

/// The query that holds this item alone. `event` is the name of the event type.
#[must_use]
pub fn query_of<E: Event>(item: &Item, event: &'static str) -> QueryFor<E> {
    QueryFor::from_result(query(item, event, E::SCHEMA.types))
}

fn query(item: &Item, event: &'static str, types: &[TypeInfo]) -> Result<Query, InvalidQuery> {
    let tag = |(key, text): &(&'static str, String)| {
        Tag::new(key, text).map_err(|source| InvalidQuery::Tag { key, source })
    };
    let tags = item.iter().map(tag).collect::<Result<Vec<_>, _>>()?;
    let mut keys: Vec<&'static str> = Vec::new();
    for (key, _) in item {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    let carries = |info: &&TypeInfo| keys.iter().all(|key| info.tag_keys.contains(key));
    let types = types.iter().filter(carries).flat_map(TypeInfo::event_types);
    let types = types.collect::<Result<Vec<_>, _>>()?;
    let selected = QueryItem::of_types(types).map_err(|_| InvalidQuery::NoEvent { event, keys })?;
    Ok(Query::item(tags.iter().fold(selected, QueryItem::tagged)))
}

/// The type at an index of the schema, as a list of one.
#[must_use]
pub fn type_at(schema: &'static Schema, index: usize) -> &'static [TypeInfo] {
    schema.types.get(index..=index).unwrap_or_default()
}
