use factos::{
    AppendCondition, AppendError, Limits, NewEvent, StoreError, StoreErrorKind,
    backend::{self, Weight},
};

use crate::wire::metadata::metadata_text;

/// A batch that was checked as far as that needs no log, with the text of its metadata: all that can be
/// prepared outside of the writer's thread.
#[derive(Debug)]
pub(crate) struct Batch {
    checked: backend::Batch,
    /// One text for each event.
    metadata: Vec<String>,
}

impl Batch {
    pub(crate) fn new(
        events: Vec<NewEvent>,
        condition: AppendCondition,
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        let checked = backend::Batch::new(events, condition, limits)?;
        let metadata = checked.events().iter().map(|event| metadata_text(&event.metadata));
        let metadata = metadata
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::new(StoreErrorKind::Other, error))?;
        Ok(Self { checked, metadata })
    }

    pub(crate) const fn checked(&self) -> &backend::Batch {
        &self.checked
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
