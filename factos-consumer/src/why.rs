use std::{error::Error, fmt};

use factos::ErrorReport;

/// An error of a consumer, with its causes on one line.
pub(crate) fn report(error: Box<dyn Error + Send + Sync>) -> String {
    Why(error).report().to_string()
}

#[derive(Debug)]
struct Why(Box<dyn Error + Send + Sync>);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Why {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
