//! How long is waited for what does not come. A busy machine fails no test: nothing is measured against it.

use std::{
    env,
    time::{Duration, Instant},
};

/// Without any progress; longer by `FACTOS_PATIENCE`.
pub(crate) fn patience() -> Duration {
    let factor = env::var("FACTOS_PATIENCE").ok();
    let factor = factor.map(|text| text.parse().expect("FACTOS_PATIENCE is a whole number"));
    Duration::from_secs(240) * factor.unwrap_or(1)
}

/// Repeats a check until it holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let since = Instant::now();
    while !check().await {
        assert!(since.elapsed() < patience(), "never: {what}");
        pause(50).await;
    }
}

pub(crate) async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
