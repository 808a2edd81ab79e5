use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{recorded::Recorded, rfc3339::Rfc3339};

/// With the names of the fields, the type as `type`, and the time as text of RFC 3339 in UTC. The version is the
/// stored one. A payload of bytes is a list of numbers: for people there is `json_view`.
impl<E: Serialize> Serialize for Recorded<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = serializer.serialize_struct("Recorded", 10)?;
        record.serialize_field("id", &self.id)?;
        record.serialize_field("position", &self.position)?;
        record.serialize_field("stream", &self.stream)?;
        record.serialize_field("revision", &self.revision)?;
        record.serialize_field("type", &self.event_type)?;
        record.serialize_field("version", &self.version)?;
        record.serialize_field("tags", &self.tags)?;
        record.serialize_field("metadata", &self.metadata)?;
        record.serialize_field("recorded_at", &Rfc3339(self.recorded_at))?;
        record.serialize_field("event", &self.event)?;
        record.end()
    }
}
