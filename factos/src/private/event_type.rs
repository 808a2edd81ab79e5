use crate::event_type::EventType;

/// The stored name of a derived event, which the macro has checked.
#[must_use]
pub const fn event_type(name: &'static str) -> EventType {
    EventType::of_derived(name)
}
