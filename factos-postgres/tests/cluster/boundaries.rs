//! What the writers decide. Each decision follows from all events of its boundary before it, so that the log can be
//! asked afterwards whether it did.

use std::{collections::BTreeSet, convert::Infallible};

use factos::{
    Decider, Event, EventType, NewEvent, Query, QueryFor, QueryItem, SequencePosition, StreamName,
    Tag,
};

const SEATS: usize = 20;

#[derive(Debug, Clone, PartialEq, Event)]
pub(crate) enum Sales {
    #[event(name = "SeatSold")]
    Sold {
        #[tag]
        show: u32,
        seat: usize,
    },
    #[event(name = "SeatReturned")]
    Returned {
        #[tag]
        show: u32,
        seat: usize,
    },
}

impl Sales {
    pub(crate) const fn show(&self) -> u32 {
        match self {
            Self::Sold { show, .. } | Self::Returned { show, .. } => *show,
        }
    }
}

/// Sells the seats of a show, and takes some back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Office;

#[derive(Debug, Clone, Default)]
pub(crate) struct Show {
    pub(crate) sold: BTreeSet<usize>,
    events: usize,
}

impl Decider for Office {
    type Command = u32;
    type Event = Sales;
    type State = Show;
    type Error = Infallible;

    fn initial(&self) -> Show {
        Show::default()
    }

    fn evolve(&self, mut show: Show, event: &Sales) -> Show {
        show.events += 1;
        match event {
            Sales::Sold { seat, .. } => show.sold.insert(*seat),
            Sales::Returned { seat, .. } => show.sold.remove(seat),
        };
        show
    }

    /// One event, which the number of those before it has a say in as well.
    fn decide(&self, show: &Show, number: &u32) -> Result<Vec<Sales>, Infallible> {
        let returned = show.sold.iter().nth(show.events % SEATS);
        let takes_back = show.sold.len() == SEATS || show.events % 4 == 3;
        Ok(vec![match returned {
            Some(seat) if takes_back => Sales::Returned { show: *number, seat: *seat },
            _ => {
                let seat = (0..).find(|seat| !show.sold.contains(seat));
                Sales::Sold { show: *number, seat: seat.unwrap_or(SEATS) }
            }
        }])
    }

    fn context(&self, show: &u32) -> QueryFor<Sales> {
        Sales::query().show(*show).into()
    }
}

pub(crate) const COUNTED: EventType = EventType::from_static("Counted");

/// The events of a counter.
pub(crate) fn of_counter(counter: &str) -> Query {
    Query::item(QueryItem::of_type(COUNTED).tagged(&tag(counter)))
}

/// The next count of a counter, in a stream of the same name, with what it was decided from.
pub(crate) fn counted(
    counter: &str,
    observed: Option<SequencePosition>,
    count: usize,
) -> Vec<NewEvent> {
    let from = observed.map_or(0, SequencePosition::get);
    let event = NewEvent::new(COUNTED, format!("{from} {count}")).with_tag(tag(counter));
    let note = NewEvent::new(EventType::from_static("Noted"), "{}");
    let stream = StreamName::new(counter).unwrap();
    vec![event.in_stream(stream.clone()), note.in_stream(stream)]
}

fn tag(counter: &str) -> Tag {
    Tag::new("counter", counter).unwrap()
}
