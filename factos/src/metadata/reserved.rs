//! The keys that mean the same in every application, and their accessors.

use crate::{metadata::Metadata, position::SequencePosition, text_rules::InvalidText};

macro_rules! reserved {
    ($($(#[$doc:meta])* $constant:ident = $key:literal, $read:ident, $with:ident;)*) => {
        impl Metadata {
            $(
                #[doc = concat!("The reserved key `", $key, "`.")]
                pub const $constant: &'static str = $key;

                $(#[$doc])*
                #[must_use]
                pub fn $read(&self) -> Option<&str> {
                    self.get(Self::$constant)
                }

                #[doc = concat!("This map with `", $key, "` set.")]
                ///
                /// # Errors
                /// [`InvalidText`] if the value holds U+0000.
                pub fn $with(self, value: &str) -> Result<Self, InvalidText> {
                    self.with(Self::$constant, value)
                }
            )*
        }
    };
}

reserved! {
    /// The id that everything which follows from one request has in common.
    CORRELATION_ID = "correlation_id", correlation_id, with_correlation_id;
    /// The id of the event or message that led to this event.
    CAUSATION_ID = "causation_id", causation_id, with_causation_id;
    /// The system or bounded context that an imported event comes from.
    SOURCE_CONTEXT = "source_context", source_context, with_source_context;
    /// The id that an imported event has at its source.
    SOURCE_EVENT_ID = "source_event_id", source_event_id, with_source_event_id;
    /// The codec that wrote the payload; JSON if there is none.
    CODEC = "codec", codec, with_codec;
    /// The person or system that asked for the event.
    ACTOR = "actor", actor, with_actor;
    /// The idempotency key of the command that led to this event.
    IDEMPOTENCY_KEY = "idempotency_key", idempotency_key, with_idempotency_key;
    /// The operation or job that this event is part of.
    OPERATION_ID = "operation_id", operation_id, with_operation_id;
}

impl Metadata {
    /// The reserved key `source_position`.
    pub const SOURCE_POSITION: &'static str = "source_position";

    /// The position that an imported event has at its source; `None` if absent or not a position.
    #[must_use]
    pub fn source_position(&self) -> Option<SequencePosition> {
        SequencePosition::new(self.get(Self::SOURCE_POSITION)?.parse().ok()?)
    }

    /// This map with the codec of another one, or without a codec if the other one has none.
    pub(crate) fn with_codec_of(mut self, other: &Self) -> Self {
        if self.codec() == other.codec() {
            return self;
        }
        self.remove(Self::CODEC);
        let set = other.codec().map(|codec| self.insert(Self::CODEC, codec));
        debug_assert!(!matches!(set, Some(Err(_))), "the name was checked in the other map");
        self
    }

    /// This map with `source_position` set.
    #[must_use]
    pub fn with_source_position(mut self, position: SequencePosition) -> Self {
        let set = self.insert(Self::SOURCE_POSITION, &position.to_string());
        debug_assert!(set.is_ok(), "digits are a valid value");
        self
    }
}
