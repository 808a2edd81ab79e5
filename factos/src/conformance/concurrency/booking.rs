use std::fmt;

use bytes::Bytes;

use crate::{position::SequencePosition, recorded::Recorded};

/// What the payload of a booking tells.
#[derive(Debug, Clone)]
pub(super) struct Booking {
    pub(super) seller: u64,
    /// How often it was refused before.
    pub(super) refusals: u32,
    pub(super) observed: Observed,
    /// The seats that were taken in each hall.
    pub(super) seats: Vec<usize>,
    pub(super) halls: Vec<String>,
}

/// The position that a booking was decided from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Observed {
    At(Option<SequencePosition>),
    /// A dispatcher does not tell.
    Unknown,
}

impl Observed {
    /// Whether the position is known to be before this one.
    pub(super) fn is_before(self, position: SequencePosition) -> bool {
        matches!(self, Self::At(observed) if observed < Some(position))
    }

    /// Whether the position is known to be after this one.
    pub(super) fn is_after(self, position: SequencePosition) -> bool {
        matches!(self, Self::At(observed) if observed > Some(position))
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(observed) => write!(f, "{}", observed.map_or(0, SequencePosition::get)),
            Self::Unknown => f.write_str("?"),
        }
    }
}

impl Booking {
    pub(super) fn to_text(&self) -> String {
        let Self { seller, refusals, observed, .. } = self;
        let parts = self.seats.iter().zip(&self.halls);
        let parts: String = parts.map(|(seats, hall)| format!(" {seats}/{hall}")).collect();
        format!("{seller} {refusals} {observed}{parts}")
    }

    pub(super) fn of(record: &Recorded<Bytes>) -> Self {
        Self::parse(&String::from_utf8_lossy(&record.event))
    }

    pub(super) fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let mut next = || words.next().unwrap();
        let (seller, refusals) = (next().parse().unwrap(), next().parse().unwrap());
        let observed = match next() {
            "?" => Observed::Unknown,
            number => Observed::At(SequencePosition::new(number.parse().unwrap())),
        };
        let parts = words.map(|part| part.split_once('/').unwrap());
        let (seats, halls) =
            parts.map(|(seats, hall)| (seats.parse::<usize>().unwrap(), hall.to_owned())).unzip();
        Self { seller, refusals, observed, seats, halls }
    }
}
