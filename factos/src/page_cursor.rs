use std::{fmt, str::FromStr};

use crate::position::SequencePosition;

/// The place where a page of a history begins; see [`EventStoreExt::page`](crate::EventStoreExt::page).
///
/// To a client it is an opaque text, made with `to_string` and read with `parse`. It belongs to the log and the
/// query that it was made for: another log refuses it, and another query goes on at the same place of the log. A
/// cursor does not age: events that are appended later are on later pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageCursor {
    pub(crate) order: Order,
    pub(crate) edge: Edge,
    /// A hash of the log's id; none for a history from one of its ends.
    pub(crate) log: Option<u32>,
}

/// The order of the events on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

/// Which events a page holds, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Edge {
    /// The first ones.
    Start,
    /// The first ones past this position.
    Past(SequencePosition),
    /// The last ones before this position.
    Before(SequencePosition),
}

impl PageCursor {
    /// The cursor of the first page of a history from the oldest event to the newest.
    #[must_use]
    pub const fn oldest_first() -> Self {
        Self { order: Order::OldestFirst, edge: Edge::Start, log: None }
    }

    /// The cursor of the first page of a history from the newest event to the oldest.
    #[must_use]
    pub const fn newest_first() -> Self {
        Self { order: Order::NewestFirst, edge: Edge::Start, log: None }
    }

    /// The cursor of the same history at another place of this log.
    pub(crate) fn at(self, edge: Edge, log_id: &str) -> Self {
        Self { order: self.order, edge, log: Some(hash(log_id)) }
    }

    /// Whether it is not of another log.
    pub(crate) fn is_of(self, log_id: &str) -> bool {
        self.log.is_none_or(|log| log == hash(log_id))
    }
}

/// FNV-1a, in 32 bits: a cursor outlives the process, so its hash is a fixed one.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl fmt::Display for PageCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.order {
            Order::OldestFirst => "o",
            Order::NewestFirst => "n",
        })?;
        let (edge, position) = match self.edge {
            Edge::Start => return Ok(()),
            Edge::Past(position) => ("p", position),
            Edge::Before(position) => ("b", position),
        };
        write!(f, "{edge}{:x}-{:08x}", position.get(), self.log.unwrap_or_default())
    }
}

/// The error of a text that is not the text of a [`PageCursor`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no cursor of a page")]
pub struct InvalidCursor(String);

impl FromStr for PageCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        parse(text).filter(|cursor| cursor.to_string() == text).ok_or_else(|| {
            let start: String = text.chars().take(40).collect();
            InvalidCursor(start)
        })
    }
}

fn parse(text: &str) -> Option<PageCursor> {
    let (history, rest) = if let Some(rest) = text.strip_prefix('o') {
        (PageCursor::oldest_first(), rest)
    } else {
        (PageCursor::newest_first(), text.strip_prefix('n')?)
    };
    if rest.is_empty() {
        return Some(history);
    }
    let (edge, rest) = rest.split_at_checked(1)?;
    let (position, log) = rest.split_once('-')?;
    let position = SequencePosition::new(u64::from_str_radix(position, 16).ok()?)?;
    let log = Some(u32::from_str_radix(log, 16).ok()?);
    let edge = match edge {
        "p" => Edge::Past(position),
        "b" => Edge::Before(position),
        _ => return None,
    };
    Some(PageCursor { edge, log, ..history })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        let position = SequencePosition::new(u64::MAX >> 1).unwrap();
        for history in [PageCursor::oldest_first(), PageCursor::newest_first()] {
            for cursor in [
                history,
                history.at(Edge::Past(position), "log"),
                history.at(Edge::Before(SequencePosition::FIRST), ""),
            ] {
                assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
        let cursor = PageCursor::newest_first().at(Edge::Past(position), "log");
        assert_eq!(cursor.to_string(), "np7fffffffffffffff-3f515151");
        assert!(cursor.is_of("log") && !cursor.is_of("another"));
        assert!(PageCursor::oldest_first().is_of("log"));
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in [
            "",
            "x",
            "op",
            "op-",
            "op1",
            "op0-00000000",
            "opz-00000000",
            "ox1-00000000",
            "op1-0",
            "op+1-00000000",
            "op01-00000000",
            "nö1-00000000",
            "o ",
            " o",
            "np1-0000000g",
            "ön",
        ] {
            assert!(text.parse::<PageCursor>().is_err(), "{text:?}");
        }
        let long = "x".repeat(10_000);
        assert!(long.parse::<PageCursor>().unwrap_err().to_string().len() < 100);
    }
}
