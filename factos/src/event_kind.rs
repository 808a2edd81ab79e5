use crate::{event::Event, schema::TypeInfo};

/// The kinds of an event enum: its variants without their fields.
///
/// Derived beside each enum, as `SchoolKind` for `School`; [`QueryFor::only`](crate::QueryFor::only) selects by it.
pub trait EventKind: Copy {
    /// The event enum.
    type Event: Event;

    /// The stored types of this kind: one, or all types of the event that the variant holds.
    fn types(self) -> &'static [TypeInfo];
}
