use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
};

use factos::{Bytes, Event, Recorded};

use crate::{handler::Handler, options::Options, panic::panic_error, partition_key::PartitionKey};

/// Why an event cannot be read: it does not decode, or what decodes it or tells its key panics.
type Unreadable = Box<dyn Error + Send + Sync>;

/// An event of a partition, or one that may be of any as it cannot be read.
pub(super) struct Item<E> {
    /// As it is in the log.
    pub(super) record: Recorded<Bytes>,
    pub(super) key: Option<PartitionKey>,
    is_readable: bool,
    /// What it was decoded to, for its first attempt.
    decoded: Option<Result<Recorded<E>, Unreadable>>,
}

impl<E: Event> Item<E> {
    /// The event, decoded; `None` if it is passed over.
    pub(super) fn of<T, H: Handler<T, Event = E>>(
        handler: &H,
        options: &Options,
        record: Recorded<Bytes>,
    ) -> Option<Self> {
        let keyed = |decoded| {
            let key = handler.key(&decoded);
            (decoded, key)
        };
        let read = caught(|| Ok(options.unknown.decode_record(record.clone())?.map(keyed)));
        let (key, decoded) = match read.transpose()? {
            Ok((decoded, key)) => (key, Ok(decoded)),
            Err(why) => (None, Err(why)),
        };
        Some(Self { record, key, is_readable: decoded.is_ok(), decoded: Some(decoded) })
    }

    /// The event for an attempt.
    pub(super) fn decoded(&mut self) -> Result<Recorded<E>, Unreadable> {
        let again = || caught(|| Ok(factos::decode(self.record.clone())?));
        self.decoded.take().unwrap_or_else(again)
    }

    /// Whether it is known which key it has, if any.
    pub(super) const fn is_readable(&self) -> bool {
        self.is_readable
    }

    /// What decides on the partition. What has no key is in the first; where an event that cannot be read belongs is not
    /// known.
    pub(super) fn slot(&self) -> Option<u64> {
        self.is_readable.then(|| self.key.as_ref().map_or(0, PartitionKey::slot))
    }
}

fn caught<T>(read: impl FnOnce() -> Result<T, Unreadable>) -> Result<T, Unreadable> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| Err(panic_error(&*panic)))
}
