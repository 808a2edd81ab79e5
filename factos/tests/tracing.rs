//! The spans of a dispatch.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use factos::{Metadata, Retry, dispatch};
use support::*;
use tracing::Level;
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

/// The lines that a subscriber writes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The line with every duration as N.
fn timeless(line: &str) -> String {
    let (before, rest) = line.split_once("duration_us=").unwrap();
    let (digits, after) = rest.split_once('}').unwrap();
    assert!(digits.parse::<u64>().is_ok(), "{line}");
    format!("{before}duration_us=N}}{after}")
}

#[tokio::test]
async fn a_dispatch_a_read_and_an_append_tell_outcome_position_and_duration() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .without_time()
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let store = Scripted::new([Fault::Rival(sold("a", "rival"))]);
    let office = BoxOffice { seats: 2 };
    let metadata = Metadata::new().with("note", "confidential").unwrap();
    let keyed = dispatch(&store, &office).metadata(metadata).idempotency_key("key-7");
    keyed.run(&buy("a", "lucy")).await.unwrap();
    let told = lines.take();
    let expected = [
        r#"DEBUG dispatch:read{outcome="read" events=0 duration_us=N}: factos: close"#,
        r#"DEBUG dispatch:append{outcome="conflict" duration_us=N}: factos: close"#,
        r#"DEBUG dispatch:read{outcome="read" events=1 position=1 duration_us=N}: factos: close"#,
        r#"DEBUG dispatch:append{outcome="appended" events=1 position=2 duration_us=N}: factos: close"#,
        r#"DEBUG dispatch{attempts=2 outcome="appended" events=1 position=2 duration_us=N}: factos: close"#,
    ];
    // The whole line: there is no payload, no tag, no metadata and no key in it.
    assert_eq!(told.iter().map(|line| timeless(line)).collect::<Vec<_>>(), expected);

    let refused = dispatch(&store, &office).retry(Retry::attempts(1)).run(&buy("a", "ann")).await;
    assert!(refused.is_err());
    let told = lines.take();
    let last = timeless(told.last().unwrap());
    assert_eq!(last, r#"DEBUG dispatch{attempts=1 outcome="domain" duration_us=N}: factos: close"#);
}
