use factos::SequencePosition;

use crate::{effect::DeliveryId, port::PartitionId};

/// Nothing.
pub(crate) struct Span;

#[expect(clippy::unused_self, reason = "it stands for a span")]
impl Span {
    pub(crate) const fn step(_: &PartitionId) -> Self {
        Self
    }

    pub(crate) const fn effect(_: &DeliveryId) -> Self {
        Self
    }

    pub(crate) fn around<F: Future>(&self, future: F) -> F {
        future
    }

    pub(crate) const fn moved(&self, _: usize, _: Option<SequencePosition>) {}

    pub(crate) const fn ended(&self, _: &'static str) {}
}

pub(crate) const fn leased(_: &PartitionId) {}

pub(crate) const fn released(_: &PartitionId, _: &'static str) {}

pub(crate) const fn parked(_: &PartitionId, _: SequencePosition, _: u32) {}
