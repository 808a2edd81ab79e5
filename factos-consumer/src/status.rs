use std::{fmt, time::Duration};

use factos::SequencePosition;

use crate::port::{ConsumerId, ConsumerState, ParkedCount, ProcessId};

/// How the consumers stand; as text a table with a line for each partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The last position of the log; `None` if it is empty.
    pub head: Option<SequencePosition>,
    /// Each partition of each version that is not retired, by name, version and number.
    pub partitions: Vec<PartitionStatus>,
}

/// How a partition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// Whose.
    pub consumer: ConsumerId,
    /// What the version is among those of its name.
    pub state: ConsumerState,
    /// Its number, from 0.
    pub number: u32,
    /// The process that has its lease.
    pub owner: Option<ProcessId>,
    /// Where it has come to, as it is kept.
    pub position: Option<SequencePosition>,
    /// How many positions the log is ahead of that: as many events at most, those of other queries and
    /// partitions included.
    pub behind: u64,
    /// How long ago the first event of the consumer's query was recorded that the partition has not passed, whichever
    /// partition it belongs to. `None` if there is none, or this process does not run the consumer and so does not know its
    /// query.
    pub oldest_unhandled: Option<Duration>,
    /// How many events are parked, of the whole consumer.
    pub parked: ParkedCount,
    /// What went wrong last, until a step succeeds.
    pub error: Option<String>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = [
            "consumer", "part", "state", "owner", "position", "behind", "oldest", "parked", "error",
        ];
        let rows: Vec<[String; 9]> = self.partitions.iter().map(PartitionStatus::cells).collect();
        let titles = titles.map(str::to_owned);
        let width = |column: usize| {
            let cells =
                std::iter::once(&titles).chain(&rows).map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        for row in std::iter::once(&titles).chain(&rows) {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = width(column);
                // Numbers stand to the right.
                if (4..8).contains(&column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl PartitionStatus {
    fn cells(&self) -> [String; 9] {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        [
            self.consumer.to_string(),
            self.number.to_string(),
            self.state.as_str().to_owned(),
            or_dash(self.owner.as_ref().map(ToString::to_string)),
            or_dash(self.position.map(|position| position.to_string())),
            self.behind.to_string(),
            or_dash(self.oldest_unhandled.map(age)),
            (self.parked.waiting + self.parked.dead).to_string(),
            self.error.clone().unwrap_or_default(),
        ]
    }
}

/// A duration as a person reads it.
fn age(age: Duration) -> String {
    match age.as_secs() {
        0 => format!("{} ms", age.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}
