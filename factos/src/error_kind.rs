/// The kind of an error, by what a service does about it; the same kinds for every crate.
///
/// | kind | in the log | what to do | HTTP |
/// |---|---|---|---|
/// | [`Domain`](Self::Domain) | nothing was written | tell the user | 409 or 422, by the domain |
/// | [`Conflict`](Self::Conflict) | nothing was written | run the command again | 409 |
/// | [`Busy`](Self::Busy) | nothing was written | run it again after a pause | 503 with `Retry-After` |
/// | [`Unavailable`](Self::Unavailable) | nothing was written | run it again once the log is back | 503 with `Retry-After` |
/// | [`Argument`](Self::Argument) | nothing was written | correct the command or its options | 422 |
/// | [`Mismatch`](Self::Mismatch) | nothing was written | release code that knows the history | 500 |
/// | [`OutcomeUnknown`](Self::OutcomeUnknown) | all of it, or nothing | run it again under the same idempotency key | 503, and say that it may have happened |
/// | [`Broken`](Self::Broken) | nothing was written | stop, and look | 500 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The domain refused the command.
    Domain,
    /// Others decided first, on every attempt.
    Conflict,
    /// The log answers, but no lock and no connection was free in time.
    Busy,
    /// The log cannot be reached, or the connection to it was lost.
    Unavailable,
    /// The caller gave what cannot be used: a value that makes no tag, a batch above the store's limits, an
    /// idempotency key of another request.
    Argument,
    /// The code and the history disagree: an event of the log does not decode.
    Mismatch,
    /// The events may or may not be in the log.
    OutcomeUnknown,
    /// The store or the program is broken: no space, damaged data, a log that cannot be used, a decider whose
    /// guard, queries or events contradict one another, a hook of an append that fails.
    Broken,
}

impl ErrorKind {
    /// Its name, for logs and metrics: `domain`, `conflict`, `busy`, `unavailable`, `argument`, `mismatch`,
    /// `outcome_unknown` or `broken`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Argument => "argument",
            Self::Mismatch => "mismatch",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Broken => "broken",
        }
    }

    /// Whether nothing was written, and the same command, run again, can succeed: a conflict, a store that was
    /// busy, or one that could not be reached.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Conflict | Self::Busy | Self::Unavailable)
    }
}
