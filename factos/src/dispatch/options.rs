use serde::Serialize;

use crate::{
    append::NewEvent,
    dispatch::{
        dispatch_attempt::Observer, error::InvalidArgument, fingerprint,
        idempotency::IdempotencyKey, retry::Retry,
    },
    event::{Event, encode},
    event_error::EncodeError,
    metadata::Metadata,
    recorded::Recorded,
    stream_name::StreamName,
    text_rules::InvalidText,
};

/// What a dispatch takes besides the command.
#[derive(Debug, Clone, Default)]
pub(super) struct Options<'a> {
    pub(super) retry: Retry,
    pub(super) stream: Option<StreamName>,
    pub(super) metadata: Metadata,
    pub(super) cause: Option<Cause>,
    pub(super) key: Option<IdempotencyKey>,
    pub(super) fingerprint: Option<String>,
    pub(super) remember_no_op: bool,
    pub(super) outside_boundary: bool,
    pub(super) observer: Observer<'a>,
    /// The first argument that cannot be used: reported when the dispatch is run.
    pub(super) invalid: Option<InvalidArgument>,
}

/// The record that led to a command.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    correlation: String,
    causation: String,
}

impl Cause {
    pub(super) fn of<E>(record: &Recorded<E>) -> Self {
        let causation = record.id.to_string();
        let correlation = record.metadata.correlation_id();
        Self { correlation: correlation.unwrap_or(&causation).to_owned(), causation }
    }
}

pub(super) fn stream_name(
    name: impl TryInto<StreamName, Error: Into<InvalidText>>,
) -> Result<StreamName, InvalidArgument> {
    name.try_into().map_err(|error| InvalidArgument::StreamName(error.into()))
}

impl Options<'_> {
    /// The value of an argument. Keeps the first problem, if the argument cannot be used.
    pub(super) fn accept<T>(&mut self, value: Result<T, InvalidArgument>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(problem) => {
                self.invalid.get_or_insert(problem);
                None
            }
        }
    }

    /// Identifies the request by a value.
    pub(super) fn fingerprint_of<T: Serialize + ?Sized>(&mut self, value: &T) {
        let hash = fingerprint::of(value);
        let hash = hash.map_err(|e| InvalidArgument::FingerprintOf { reason: e.to_string() });
        self.fingerprint = self.accept(hash);
    }

    /// The metadata of every event of the batch.
    pub(super) fn envelope(&self) -> Result<Metadata, InvalidArgument> {
        if let Some(problem) = &self.invalid {
            return Err(problem.clone());
        }
        let mut metadata = self.metadata.clone();
        if let Some(cause) = &self.cause {
            metadata = metadata
                .with_correlation_id(&cause.correlation)
                .and_then(|metadata| metadata.with_causation_id(&cause.causation))
                .map_err(InvalidArgument::Cause)?;
        }
        match &self.key {
            Some(key) => key.describe(metadata, self.fingerprint.as_deref()),
            None => Ok(metadata),
        }
    }

    /// The batch to append: the events with new ids, in this envelope.
    pub(super) fn batch<E: Event>(
        &self,
        events: &[E],
        envelope: &Metadata,
    ) -> Result<Vec<NewEvent>, EncodeError> {
        events
            .iter()
            .map(|event| {
                let mut new = encode(event)?;
                if let Some(key) = &self.key {
                    new.tags.insert(key.tag());
                }
                new.stream.clone_from(&self.stream);
                new.metadata = envelope.clone().with_codec_of(&new.metadata);
                Ok(new)
            })
            .collect()
    }
}

/// The options that every kind of dispatch takes. An observer lives as long as the lifetime.
macro_rules! shared_options {
    ($observer:lifetime) => {
        /// Sets the number of attempts and the pauses between them; by default five attempts, without pauses.
        pub fn retry(mut self, retry: Retry) -> Self {
            self.options.retry = retry;
            self
        }

        /// Sets the metadata of every event. The other options add theirs to it.
        pub fn metadata(mut self, metadata: Metadata) -> Self {
            self.options.metadata = metadata;
            self
        }

        /// Names the record that led to this command. Its id becomes the causation id. Its correlation
        /// id becomes the correlation id; if it has none, its id does.
        pub fn caused_by<R>(mut self, record: &Recorded<R>) -> Self {
            self.options.cause = Some(Cause::of(record));
            self
        }

        /// Identifies the request beside its idempotency key: the same key with another fingerprint, or with
        /// one where there was none or the other way round, is [`Error::KeyReused`](crate::Error::KeyReused).
        /// No effect without a key.
        ///
        /// The text is kept in the metadata of the events: give a hash of what identifies a person.
        pub fn fingerprint(mut self, text: impl Into<String>) -> Self {
            self.options.fingerprint = Some(text.into());
            self
        }

        /// Identifies the request by a hash of a value, most often the command: 128 bits of SHA-256 of what it
        /// serializes to. See [`fingerprint`](Self::fingerprint).
        ///
        /// The order of a struct's fields and of a map's entries does not count; their names and the items of
        /// a list, in their order, do. So leave a `HashSet` out, whose order changes, and note that requests
        /// from before a field was renamed have another fingerprint.
        pub fn fingerprint_of<T: serde::Serialize + ?Sized>(mut self, value: &T) -> Self {
            self.options.fingerprint_of(value);
            self
        }

        /// Also remembers a command that led to no events under its idempotency key, so that a repeat is
        /// replayed although it would lead to some by then. One event of the type `factos.nothing` is
        /// appended, with the key as its only tag. A command that the domain refused is never remembered. No
        /// effect without a key.
        pub const fn remember_no_op(mut self) -> Self {
            self.options.remember_no_op = true;
            self
        }

        /// Calls `observe` at the end of every attempt, also of one that is refused, for metrics. It is called
        /// on the task of the dispatch, so it must return soon.
        pub fn observe(
            mut self,
            observe: impl Fn(&DispatchAttempt) + Send + Sync + $observer,
        ) -> Self {
            self.options.observer = Observer::new(observe);
            self
        }
    };
}

/// The options of a dispatch whose boundary is the decider's.
macro_rules! boundary_options {
    () => {
        /// Also writes the events to this stream. The boundary stays the decider's: the stream's revision is
        /// not checked, for that see [`dispatch_stream`](crate::dispatch_stream).
        pub fn stream(mut self, name: impl TryInto<StreamName, Error: Into<InvalidText>>) -> Self {
            self.options.stream = self.options.accept(stream_name(name));
            self
        }

        /// Makes the command take effect once: its events carry the key as a tag, `factos.key:<key>`, and if
        /// there are such events already, they are returned as [replayed](crate::Dispatched::replayed), and nothing
        /// is decided. Of two commands that race under one key, one is replayed.
        ///
        /// A key names one command of one request, whatever decides it. If the earlier request has another
        /// [fingerprint](Self::fingerprint_of), or led to events that this decider does not know, the key is
        /// [`KeyReused`](crate::KeyReused); a request that leads to two commands takes two keys, such as `"{key}/reserve"` and
        /// `"{key}/pay"`. A command that led to no events is remembered with
        /// [`remember_no_op`](Self::remember_no_op) alone, and one that the domain refused never.
        ///
        /// A key has at most [`MAX_IDEMPOTENCY_KEY_BYTES`](crate::MAX_IDEMPOTENCY_KEY_BYTES) bytes, and no control characters.
        ///
        /// ```
        /// # use factos::{Decider, Dispatch, EventStore};
        /// # fn example<'a, S: EventStore, D: Decider<Command: serde::Serialize>>(
        /// #     store: &'a S, decider: &'a D, command: &D::Command, header: &str,
        /// # ) -> Dispatch<'a, S, D> {
        /// factos::dispatch(store, decider).idempotency_key(header).fingerprint_of(command).remember_no_op()
        /// # }
        /// ```
        pub fn idempotency_key(mut self, key: impl AsRef<str>) -> Self {
            self.options.key = self.options.accept(IdempotencyKey::new(key.as_ref()));
            self
        }

        /// Appends the events even if the guard selects none of them. The next decision on the same command
        /// then does not see them.
        pub const fn allow_outside_boundary(mut self) -> Self {
            self.options.outside_boundary = true;
            self
        }
    };
}

pub(super) use {boundary_options, shared_options};
