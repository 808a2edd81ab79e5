use std::{error::Error, fmt};

/// An error with all of its causes on one line, for logs; made by [`ErrorReport::report`].
///
/// The texts are separated by a colon and a space. A cause whose text the error before it ends with is not
/// repeated.
#[derive(Clone, Copy)]
pub struct Report<'a>(&'a (dyn Error + 'static));

impl<'a> Report<'a> {
    /// The report of an error behind a pointer, such as a `Box<dyn Error>`.
    #[must_use]
    pub const fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(error)
    }
}

/// A method on every error that shows it with all of its causes, on one line.
///
/// ```
/// use factos::{ErrorReport, Event, IntoQuery};
///
/// #[derive(Event)]
/// enum Courses {
///     Enrolled { #[tag] student: String },
/// }
///
/// let query = Courses::query().student("lucy\n").into_query().unwrap_err();
/// let why = "tag value holds the control character '\\n' at byte 4";
/// assert!(query.report().to_string().ends_with(why), "{}", query.report());
/// ```
pub trait ErrorReport: Error {
    /// This error and all of its causes, on one line.
    fn report(&self) -> Report<'_>;
}

impl<E: Error + 'static> ErrorReport for E {
    fn report(&self) -> Report<'_> {
        Report(self)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = one_line(&self.0.to_string());
        f.write_str(&before)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = one_line(&cause.to_string());
            if !before.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            before = text;
            next = cause.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// The text with each break of a line, and the spaces around it, as one space.
fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Self>>,
    }

    fn chain(texts: &[&'static str]) -> Link {
        let (text, rest) = texts.split_first().unwrap();
        Link { text, source: (!rest.is_empty()).then(|| Box::new(chain(rest))) }
    }

    #[test]
    fn every_cause_is_on_the_line_once() {
        let told = |texts: &[&'static str]| chain(texts).report().to_string();
        assert_eq!(told(&["a"]), "a");
        assert_eq!(told(&["a", "b\n  c", "d"]), "a: b c: d");
        assert_eq!(told(&["a: b", "b", "c"]), "a: b: c");
        let boxed: Box<dyn Error> = Box::new(chain(&["a", "b"]));
        assert_eq!(Report::of(&*boxed).to_string(), "a: b");
    }
}
