use crate::{event::Event, schema::TypeInfo};

/// Which variant of an event enum an event is, without its fields.
///
/// Derived beside each enum, as `SchoolKind` for `School`; [`QueryFor::only`](crate::QueryFor::only) selects by it.
pub trait EventKind: Copy {
    /// The enum.
    type Event: Event;

    /// The stored types of this kind: one, or all types of the event that the variant holds.
    fn types(self) -> &'static [TypeInfo];
}
