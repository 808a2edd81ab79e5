//! What runs tell a subscriber of `tracing`.

use std::{io, sync::Arc};

use factos_consumer::{Consumers, OnError};
use factos_memory::{MemoryConsumers, MemoryStore};
use parking_lot::Mutex;
use tracing::Level;
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use crate::shop::{LONG, Mailer, Mails, Run, Shop, append, order, quick};

/// The lines that a subscriber writes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
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

/// The line with its duration as N.
fn timeless(line: &str) -> String {
    let Some((before, rest)) = line.split_once("duration_us=") else { return line.to_owned() };
    let (digits, after) = rest.split_once('}').unwrap();
    assert!(digits.parse::<u64>().is_ok(), "{line}");
    format!("{before}duration_us=N}}{after}")
}

#[tokio::test]
async fn steps_effects_leases_and_parked_events_are_told_without_their_content() {
    // Beside a single subscriber, tracing asks only the thread that reaches a place first, which may be one without.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .without_time()
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let (store, mailer) = (MemoryStore::new(), Mailer::default());
    append(&store, &Shop::Paid { order: 4_711 }).await;
    let last = order(&store, 4_711, 1).await;
    mailer.dead.lock().insert(1);
    let consumers = Consumers::new(store, MemoryConsumers::new()).react(
        Mails::<1>,
        mailer,
        quick(OnError::ParkEvent),
    );
    let run = Run::start(&consumers);
    consumers.wait_for("mails", last, LONG).await.unwrap();
    run.stop().await.unwrap();

    let told = String::from_utf8(lines.0.lock().clone()).unwrap();
    let ours = told.lines().filter(|line| line.contains("factos_consumer:")).map(timeless);
    let ours: Vec<_> = ours.collect();
    let place = r#"consumer="mails" version=1 partition=0"#;
    for expected in [
        format!("INFO factos_consumer: leased {place}"),
        r#"DEBUG effect{consumer="mails" position=1 index=0 outcome="dead" duration_us=N}: factos_consumer: close"#.to_owned(),
        format!(r#"DEBUG step{{{place} events=0 position=1 outcome="done" duration_us=N}}: factos_consumer: close"#),
        format!("WARN factos_consumer: parked {place} position=1 attempts=1"),
        r#"DEBUG effect{consumer="mails" position=2 index=1 outcome="done" duration_us=N}: factos_consumer: close"#.to_owned(),
        format!(r#"INFO factos_consumer: released {place} why="stopped""#),
    ] {
        assert!(ours.iter().any(|line| line.trim_start() == expected), "{expected}\n{ours:#?}");
    }
    for secret in ["4711", "no such address"] {
        assert!(!ours.iter().any(|line| line.contains(secret)), "{ours:#?}");
    }
}
