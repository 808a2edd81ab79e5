use std::{error::Error, fmt, ops::Deref};

/// A retryable error of a dispatch, with the number of attempts that were made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempted<E> {
    /// The error of the last attempt.
    pub error: E,
    /// The number of attempts, from 1.
    pub attempts: u32,
}

/// Of one attempt.
impl<E> From<E> for Attempted<E> {
    fn from(error: E) -> Self {
        Self { error, attempts: 1 }
    }
}

impl<E> Deref for Attempted<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.error
    }
}

impl<E: PartialEq> PartialEq<E> for Attempted<E> {
    fn eq(&self, other: &E) -> bool {
        self.error == *other
    }
}

impl<E: fmt::Display> fmt::Display for Attempted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempts {
            1 => write!(f, "{}", self.error),
            attempts => write!(f, "{}, in the last of {attempts} attempts", self.error),
        }
    }
}

/// Takes the place of the error of the last attempt in a chain of errors.
impl<E: Error> Error for Attempted<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
