use std::fmt;

use bytes::Bytes;

use crate::{position::SequencePosition, recorded::Recorded};

/// What the payload of a booking tells.
#[derive(Debug, Clone)]
pub(super) struct Booking {
    pub(super) seller: u64,
    /// The positions of the bookings for which it was refused before.
    pub(super) refused_for: Vec<u64>,
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
        let Self { seller, refused_for, observed, .. } = self;
        let refused: String = refused_for.iter().map(|position| format!("{position},")).collect();
        let parts = self.seats.iter().zip(&self.halls);
        let parts: String = parts.map(|(seats, hall)| format!(" {seats}/{hall}")).collect();
        format!("{seller} for:{refused} {observed}{parts}")
    }

    pub(super) fn of(record: &Recorded<Bytes>) -> Self {
        Self::parse(&String::from_utf8_lossy(&record.event))
    }

    pub(super) fn parse(text: &str) -> Self {
        Self::of_words(text.split(' ')).unwrap_or_else(|| {
            panic!("a payload comes back byte for byte, and this is of no booking: {text:?}")
        })
    }

    fn of_words<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let seller = words.next()?.parse().ok()?;
        let refused = words.next()?.strip_prefix("for:")?.split_terminator(',');
        let refused_for = refused.map(str::parse).collect::<Result<_, _>>().ok()?;
        let observed = match words.next()? {
            "?" => Observed::Unknown,
            number => Observed::At(SequencePosition::new(number.parse().ok()?)),
        };
        let (mut seats, mut halls) = (Vec::new(), Vec::new());
        for part in words {
            let (taken, hall) = part.split_once('/')?;
            seats.push(taken.parse().ok()?);
            halls.push(hall.to_owned());
        }
        Some(Self { seller, refused_for, observed, seats, halls })
    }
}
