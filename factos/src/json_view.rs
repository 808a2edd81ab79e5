use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    event::{Event, JSON},
    event_error::EncodeError,
    hexadecimal::hexadecimal,
    recorded::Recorded,
    rfc3339::Rfc3339,
};

impl Recorded<Bytes> {
    /// This record for people: its fields, with the payload under `payload` as the JSON that it is. A payload of
    /// another codec stands in hexadecimal digits under `payload_hex`, and so does one that is no JSON.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use factos::{AppendCondition, EventStore, EventType, NewEvent};
    ///
    /// let store = factos_memory::MemoryStore::new();
    /// let sold = NewEvent::new(EventType::from_static("TicketSold"), r#"{"buyer":"lucy"}"#);
    /// let records = store.append(vec![sold], AppendCondition::None).await?;
    /// let view = records[0].json_view();
    /// assert_eq!((view["position"].as_u64(), view["payload"]["buyer"].as_str()), (Some(1), Some("lucy")));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn json_view(&self) -> Value {
        let codec = self.metadata.codec().unwrap_or(JSON);
        self.view(codec, &self.event)
    }
}

impl<E: Event> Recorded<E> {
    /// This record for people, as [`Recorded<Bytes>::json_view`] shows it, with the event as it is now: its payload is
    /// that of the [present version](Self::present_version), which stands beside the stored one as `present_version`.
    ///
    /// # Errors
    /// [`EncodeError`] if the event cannot be encoded.
    pub fn json_view(&self) -> Result<Value, EncodeError> {
        let codec = E::codec(&self.event.event_type());
        let mut view = self.view(codec, &self.event.encode()?);
        view["present_version"] = self.present_version().into();
        Ok(view)
    }
}

impl<E> Recorded<E> {
    fn view(&self, codec: &str, payload: &[u8]) -> Value {
        let mut view = json!({
            "id": self.id,
            "position": self.position,
            "stream": self.stream,
            "revision": self.revision,
            "type": self.event_type,
            "version": self.version,
            "tags": self.tags,
            "metadata": self.metadata,
            "recorded_at": Rfc3339(self.recorded_at),
        });
        let json = (codec == JSON).then(|| serde_json::from_slice(payload).ok()).flatten();
        match json {
            Some(json) => view["payload"] = json,
            None => view["payload_hex"] = hexadecimal(payload).into(),
        }
        view
    }
}
