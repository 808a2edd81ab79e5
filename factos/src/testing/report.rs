//! The message of a failed scenario.

use std::fmt::{Debug, Write};

/// Titles, each with lines below it.
#[derive(Default)]
pub(super) struct Report(String);

impl Report {
    pub(super) fn new(title: &str) -> Self {
        Self(title.to_owned())
    }

    pub(super) fn section<T: Debug>(mut self, title: &str, values: &[T]) -> Self {
        self = self.line(title);
        if values.is_empty() {
            self.0.push_str("\n    nothing");
        }
        for value in values {
            let written = write!(self.0, "\n    {value:?}");
            debug_assert!(written.is_ok(), "a string takes any text");
        }
        self
    }

    fn line(mut self, title: &str) -> Self {
        self.0.push_str("\n  ");
        self.0.push_str(title);
        self
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}
