//! The values of a record for serde: names and tags as text, numbers as numbers.

use serde::{Serialize, Serializer};

mod recorded;

use crate::{
    event_id::EventId, event_type::EventType, page_cursor::PageCursor, position::SequencePosition,
    revision::Revision, stream_name::StreamName, tag::Tag, tags::Tags,
};

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

as_text!(EventId, EventType, PageCursor, StreamName, Tag);

impl Serialize for SequencePosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

/// A list of texts.
impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The number, or nothing.
impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NoEvents => serializer.serialize_none(),
            Self::Current(revision) => serializer.serialize_some(revision),
        }
    }
}
