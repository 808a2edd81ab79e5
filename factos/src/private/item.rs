use crate::{
    event::Event,
    query::{Query, QueryItem},
    query_for::{InvalidQuery, QueryFor},
    schema::TypeInfo,
    tag::Tag,
};

/// One item of a typed query: tags under keys, and so the types that carry all of the keys.
#[derive(Debug, Clone)]
pub struct Item {
    event: &'static str,
    keys: Vec<&'static str>,
    tags: Result<Vec<Tag>, InvalidQuery>,
}

impl Item {
    /// An item of the event type of this name, so far without tags.
    #[must_use]
    pub const fn new(event: &'static str) -> Self {
        Self { event, keys: Vec::new(), tags: Ok(Vec::new()) }
    }

    /// Narrows the item to the texts that `each` passes on.
    #[must_use]
    pub fn tagged(mut self, key: &'static str, each: impl FnOnce(&mut dyn FnMut(&str))) -> Self {
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        let mut texts = 0;
        each(&mut |text| {
            texts += 1;
            self.insert(key, text);
        });
        // An argument without a text must not widen the query to every value of the key.
        if texts == 0 {
            self.insert(key, "");
        }
        self
    }

    fn insert(&mut self, key: &'static str, text: &str) {
        let Ok(tags) = &mut self.tags else { return };
        match Tag::new(key, text) {
            Ok(tag) => tags.push(tag),
            Err(source) => self.tags = Err(InvalidQuery::Tag { key, source }),
        }
    }

    /// The query of this item alone.
    #[must_use]
    pub fn finish<E: Event>(self) -> QueryFor<E> {
        QueryFor::from_result(self.into_query(E::SCHEMA.types))
    }

    fn into_query(self, types: &[TypeInfo]) -> Result<Query, InvalidQuery> {
        let tags = self.tags?;
        let carries = |info: &&TypeInfo| self.keys.iter().all(|key| info.tag_keys.contains(key));
        let types = types.iter().filter(carries).map(TypeInfo::event_type);
        let types = types.collect::<Result<Vec<_>, _>>()?;
        let item = QueryItem::of_types(types)
            .map_err(|_| InvalidQuery::NoEvent { event: self.event, keys: self.keys })?;
        Ok(Query::item(tags.iter().fold(item, QueryItem::tagged)))
    }
}
