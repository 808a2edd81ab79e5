use std::time::Duration;

use factos::Unknown;

/// What becomes of an event that a consumer cannot handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnError {
    /// The run ends with an error that names the event, once it was tried as often as [`Attempts`] says. No partition passes an
    /// event that cannot be read.
    #[default]
    Stop,
    /// The event is parked, and the next one is handled. A parked event is tried again by itself, until it was tried as
    /// often as [`Attempts`] says; then it waits for an administrator.
    ///
    /// An event that cannot be read, as it does not decode or its [`key`](crate::Projection::key) panics, is parked where there
    /// is one partition. Of several any may be its own, so each stops there, as with `Stop`: a release that can read it goes
    /// on, and handles it once.
    ParkEvent,
    /// As `ParkEvent`, and later events of its key wait behind it, in order. An event without a key is parked by itself.
    ///
    /// An event that cannot be read stops every partition: which events are to wait behind it is not known.
    ParkKey,
}

/// How often an event is tried, and how long the pauses are between.
///
/// The pause before the second attempt is `first_pause`, each further one twice that before it, up to `longest_pause`; each is
/// cut by a random part of up to half of it, so that what failed together is not tried again together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// How often an event is tried at most; 0 counts as 1.
    pub most: u32,
    /// The first pause.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Attempts {
    /// Each event is tried once.
    pub const ONCE: Self =
        Self { most: 1, first_pause: Duration::ZERO, longest_pause: Duration::ZERO };

    /// The pause after so many attempts; `None` if there were enough.
    pub(crate) fn pause_after(&self, attempts: u32) -> Option<Duration> {
        if attempts >= self.most {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(31);
        let pause = self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause);
        Some(pause.mul_f64(0.5 + fastrand::f64() / 2.0))
    }
}

impl Default for Attempts {
    /// Ten attempts, with pauses from 200 ms to 5 minutes.
    fn default() -> Self {
        Self {
            most: 10,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(300),
        }
    }
}

/// Where a version of a consumer starts that no process has registered before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// At the first event of the log.
    #[default]
    Beginning,
    /// After the events that are in the log when a process registers it: that one which does so first, wherever a later one
    /// finds the end. What is appended after that is handled, whether or not a process runs meanwhile.
    End,
}

/// How a consumer is run. An [`OnError`] is one with everything else by default.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) on_error: OnError,
    pub(crate) attempts: Attempts,
    pub(crate) partitions: Option<u32>,
    pub(crate) page: usize,
    pub(crate) unknown: Unknown,
    pub(crate) start: Start,
}

impl Options {
    /// What becomes of an event that cannot be handled.
    #[must_use]
    pub fn new(on_error: OnError) -> Self {
        Self {
            on_error,
            attempts: Attempts::default(),
            partitions: None,
            page: 500,
            unknown: Unknown::Fail,
            start: Start::Beginning,
        }
    }

    /// How often an event is tried.
    #[must_use]
    pub const fn attempts(mut self, attempts: Attempts) -> Self {
        self.attempts = attempts;
        self
    }

    /// Into how many partitions its events are divided by their keys, instead of the number of
    /// [`Consumers::partitions`](crate::Consumers::partitions); 0 counts as 1. Events without a key are all in the first.
    #[must_use]
    pub const fn partitions(mut self, partitions: u32) -> Self {
        self.partitions = Some(if partitions == 0 { 1 } else { partitions });
        self
    }

    /// How many events are read, and by a projection written, at a time; 500 by default, and 0 counts as 1.
    #[must_use]
    pub const fn page(mut self, events: usize) -> Self {
        self.page = if events == 0 { 1 } else { events };
        self
    }

    /// What becomes of an event of a type that the consumer's event does not know: by default it is an event that cannot be
    /// handled.
    #[must_use]
    pub const fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// Where the consumer starts; at the [beginning](Start::Beginning) by default. It counts once for each version: one that
    /// is known stays where it is, and a reaction that takes over from the version before goes on at that one's place. A
    /// further version of a projection starts anew, so that this is where the events of its rebuild begin.
    ///
    /// At the [end](Start::End) the registration waits for the appends that are in flight.
    #[must_use]
    pub const fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }
}

impl From<OnError> for Options {
    fn from(on_error: OnError) -> Self {
        Self::new(on_error)
    }
}
