use factos::{
    AppendCondition, AppendError, Limits, NewEvent, StoreError, StoreErrorKind,
    backend::{self, Weight},
};

use crate::{append::hook::Hook, wire::metadata::metadata_text};

/// The limits of this store.
pub(crate) const LIMITS: Limits = Limits {
    payload_bytes: 64 << 20,
    tags_per_event: 256,
    events_per_batch: 100_000,
    batch_bytes: 256 << 20,
    items_per_query: 10_000,
};

/// A batch that was checked as far as that needs no log, with the text of its metadata: all that can be
/// prepared outside of the writer's thread.
#[derive(Debug)]
pub(crate) struct Batch {
    checked: backend::Batch,
    /// One text for each event.
    metadata: Vec<String>,
    /// What runs in the transaction after it was accepted.
    hook: Option<Hook>,
}

impl Batch {
    pub(crate) fn new(
        events: Vec<NewEvent>,
        condition: AppendCondition,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        Self::of(backend::Batch::new(events, condition, limits)?)
    }

    pub(crate) fn of(checked: backend::Batch) -> Result<Self, AppendError> {
        let metadata = checked.events().iter().map(|event| metadata_text(&event.metadata));
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        Ok(Self { checked, metadata, hook: None })
    }

    /// The batch of a handle with this hook.
    pub(crate) fn with_hook(mut self, hook: Option<Hook>) -> Self {
        self.hook = hook;
        self
    }

    pub(crate) const fn checked(&self) -> &backend::Batch {
        &self.checked
    }

    pub(crate) const fn hook(&self) -> Option<&Hook> {
        self.hook.as_ref()
    }

    /// The events, each with the text of its metadata.
    pub(crate) fn events(&self) -> impl ExactSizeIterator<Item = (&NewEvent, &str)> {
        self.checked.events().iter().zip(self.metadata.iter().map(String::as_str))
    }
}

impl Weight for Batch {
    fn bytes(&self) -> usize {
        self.checked.bytes()
    }
}
