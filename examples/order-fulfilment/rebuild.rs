//! Shows how far a version is that is built beside the live one.

use std::{io::IsTerminal, time::Duration};

use factos_consumer::{Consumers, Status, port::ConsumerId};
use factos_examples::tables::Tables;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Waits until a version has come to the end of the log.
pub(crate) async fn watch<P: Tables>(
    consumers: &Consumers<P>,
    version: &ConsumerId,
) -> anyhow::Result<()> {
    let bar = bar(version);
    loop {
        let status = consumers.status().await?;
        let (position, head) = place(&status, version);
        bar.set_length(head);
        show(&bar, version, position);
        if position >= head {
            bar.finish_and_clear();
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How far all of its partitions have come, and how far the log goes.
fn place(status: &Status, version: &ConsumerId) -> (u64, u64) {
    let head = status.head.map_or(0, |head| head.get());
    let partitions = status.partitions.iter().filter(|partition| partition.consumer == *version);
    let behind = partitions.map(|partition| partition.behind).max();
    (head - behind.unwrap_or(head).min(head), head)
}

/// A bar on a terminal, and a few lines elsewhere.
fn bar(version: &ConsumerId) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template = format!("{version} {{bar:40}} {{pos}} of {{len}}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, version: &ConsumerId, position: u64) {
    const LINES: u64 = 5;
    let head = bar.length().unwrap_or_default().max(1);
    let (before, now) = (bar.position() * LINES / head, position * LINES / head);
    bar.set_position(position);
    if bar.is_hidden() && now > before {
        let left = bar.eta().as_secs_f64();
        eprintln!(
            "{version}: {position} of {head}, {:.0} a second, {left:.1} s left",
            bar.per_sec()
        );
    }
}
