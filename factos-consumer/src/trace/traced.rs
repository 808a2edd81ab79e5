use std::time::Instant;

use factos::SequencePosition;
use tracing::{Instrument, field::Empty};

use crate::{effect::DeliveryId, port::PartitionId};

/// A span, and when it began.
pub(crate) struct Span {
    span: tracing::Span,
    began: Instant,
}

impl Span {
    pub(crate) fn step(partition: &PartitionId) -> Self {
        Self::of(tracing::debug_span!(
            target: "factos_consumer",
            "step",
            consumer = partition.consumer.name,
            version = partition.consumer.version,
            partition = partition.number,
            outcome = Empty,
            events = Empty,
            position = Empty,
            duration_us = Empty,
        ))
    }

    pub(crate) fn effect(id: &DeliveryId) -> Self {
        Self::of(tracing::debug_span!(
            target: "factos_consumer",
            "effect",
            consumer = id.consumer,
            position = id.position.get(),
            index = id.index,
            outcome = Empty,
            duration_us = Empty,
        ))
    }

    fn of(span: tracing::Span) -> Self {
        Self { span, began: Instant::now() }
    }

    pub(crate) fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        future.instrument(self.span.clone())
    }

    pub(crate) fn moved(&self, events: usize, to: Option<SequencePosition>) {
        self.span.record("events", events);
        if let Some(to) = to {
            self.span.record("position", to.get());
        }
        self.ended("done");
    }

    pub(crate) fn ended(&self, outcome: &'static str) {
        self.span.record("outcome", outcome);
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.span.record("duration_us", micros);
    }
}

pub(crate) fn leased(partition: &PartitionId) {
    tracing::info!(
        target: "factos_consumer",
        consumer = partition.consumer.name,
        version = partition.consumer.version,
        partition = partition.number,
        "leased"
    );
}

pub(crate) fn released(partition: &PartitionId, why: &'static str) {
    tracing::info!(
        target: "factos_consumer",
        consumer = partition.consumer.name,
        version = partition.consumer.version,
        partition = partition.number,
        why,
        "released"
    );
}

pub(crate) fn parked(partition: &PartitionId, position: SequencePosition, attempts: u32) {
    tracing::warn!(
        target: "factos_consumer",
        consumer = partition.consumer.name,
        version = partition.consumer.version,
        partition = partition.number,
        position = position.get(),
        attempts,
        "parked"
    );
}
