use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of the sale: a bar on a terminal, otherwise a few lines.
pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines { buyers: u64, served: u64 },
}

/// How many lines a sale prints at most.
const LINES: u64 = 5;

impl Progress {
    pub(crate) fn of(buyers: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { buyers, served: 0 };
        }
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} buyers {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::Bar(ProgressBar::new(buyers).with_style(style))
    }

    pub(crate) fn serve_one(&mut self) {
        match self {
            Self::Bar(bar) => bar.inc(1),
            Self::Lines { buyers, served } => {
                *served += 1;
                if *served * LINES / *buyers > (*served - 1) * LINES / *buyers {
                    eprintln!("{served} of {buyers} buyers served");
                }
            }
        }
    }

    /// Prints a line without breaking the bar.
    pub(crate) fn print(&self, line: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| println!("{line}")),
            Self::Lines { .. } => println!("{line}"),
        }
    }

    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
