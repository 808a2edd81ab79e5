use factos::{Bytes, DecodeError, Event, Recorded};

use crate::{handler::Handler, options::Options, partition_key::PartitionKey};

/// An event of a partition.
pub(super) struct Item<E> {
    /// As it is in the log.
    pub(super) record: Recorded<Bytes>,
    pub(super) key: Option<PartitionKey>,
    /// What it was decoded to, for its first attempt.
    decoded: Option<Result<Recorded<E>, DecodeError>>,
}

impl<E: Event> Item<E> {
    /// The event, decoded; `None` if it is passed over.
    pub(super) fn of<T, H: Handler<T, Event = E>>(
        handler: &H,
        options: &Options,
        record: Recorded<Bytes>,
    ) -> Option<Self> {
        let decoded = options.unknown.decode_record(record.clone()).transpose()?;
        let key = decoded.as_ref().ok().and_then(|record| handler.key(record));
        Some(Self { record, key, decoded: Some(decoded) })
    }

    /// The event for an attempt.
    pub(super) fn decoded(&mut self) -> Result<Recorded<E>, DecodeError> {
        self.decoded.take().unwrap_or_else(|| factos::decode(self.record.clone()))
    }

    pub(super) fn is_decoded(&self) -> bool {
        !matches!(self.decoded, Some(Err(_)))
    }

    /// What decides on the partition. What has no key is in the first, and so is what cannot be read.
    pub(super) fn slot(&self) -> u64 {
        self.key.as_ref().map_or(0, PartitionKey::slot)
    }
}
