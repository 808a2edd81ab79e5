use crate::{event_type::EventType, schema::Schema};

/// The stored name of a derived event, which the macro has checked.
#[must_use]
pub const fn event_type(name: &'static str) -> EventType {
    EventType::of_derived(name)
}

/// Whether the schema has this stored type, by name or by alias.
#[must_use]
pub fn knows(schema: &Schema, event_type: &EventType) -> bool {
    schema.find(event_type.as_str()).is_some()
}
