use std::{fmt, sync::Arc, time::Duration};

use crate::{error_kind::ErrorKind, position::SequencePosition};

/// A report of one attempt of a dispatch, for [`Dispatch::observe`](crate::Dispatch::observe).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatchAttempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The outcome of the attempt.
    pub outcome: AttemptOutcome,
    /// Whether the command is tried again.
    pub is_retried: bool,
    /// The time that the attempt took, with the wait for its [turn](crate::Turns), without the pause after it.
    pub duration: Duration,
}

/// The outcome of an attempt: events were appended, there were none, or it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// The decided events are in the log.
    Appended {
        /// How many there are.
        events: usize,
        /// The position of the last one.
        position: SequencePosition,
    },
    /// The decision led to no events.
    Nothing,
    /// The command took effect earlier, under the same idempotency key.
    Replayed,
    /// The command was refused, by the domain or otherwise.
    Refused(ErrorKind),
}

impl AttemptOutcome {
    /// Its name, for logs and metrics: `appended`, `nothing`, `replayed`, or the name of the error's kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appended { .. } => "appended",
            Self::Nothing => "nothing",
            Self::Replayed => "replayed",
            Self::Refused(kind) => kind.as_str(),
        }
    }
}

type Observe<'a> = dyn Fn(&DispatchAttempt) + Send + Sync + 'a;

/// Who is told of every attempt, if anybody is.
#[derive(Clone, Default)]
pub(super) struct Observer<'a>(Option<Arc<Observe<'a>>>);

impl<'a> Observer<'a> {
    pub(super) fn new(observe: impl Fn(&DispatchAttempt) + Send + Sync + 'a) -> Self {
        Self(Some(Arc::new(observe)))
    }

    pub(super) fn tell(&self, attempt: &DispatchAttempt) {
        if let Some(observe) = &self.0 {
            observe(attempt);
        }
    }
}

impl fmt::Debug for Observer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "an observer" } else { "none" })
    }
}
