use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use uuid::{ContextV7, Timestamp, Uuid};

/// Shared by all threads: ids made within one millisecond sort in the order they were made.
static COUNTER: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// The identity of one event, unique in its log: a UUID.
///
/// [`EventId::new`] makes a version 7 UUID, which sorts by time. Any UUID that the caller brings is
/// accepted: appending an id again is refused, so a batch with caller-chosen ids can be sent again
/// safely after a lost reply.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// A new, time-ordered id.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "every call gives another value")]
    pub fn new() -> Self {
        Self::at(SystemTime::now(), &COUNTER)
    }

    /// A new id of this time. A clock before 1970 gives the ids of the beginning of 1970; one that has gone back
    /// goes on with the latest time that this counter has seen.
    fn at(time: SystemTime, counter: &Mutex<ContextV7>) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
        let time = Timestamp::from_unix(&*counter, since.as_secs(), since.subsec_nanos());
        Self(Uuid::new_v7(time))
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// The id as its 16 bytes, in network order.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// The id of 16 bytes in network order.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<EventId> for Uuid {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A test that sets the clock has a counter of its own: the others' ids would go on with the latest time it saw.
    fn counter() -> Mutex<ContextV7> {
        Mutex::new(ContextV7::new())
    }

    #[test]
    fn a_clock_before_1970_makes_ids_and_no_panic() {
        let counter = counter();
        let before = UNIX_EPOCH - Duration::from_secs(86_400);
        let (one, two) = (EventId::at(before, &counter), EventId::at(before, &counter));
        assert_ne!(one, two);
        assert_eq!(one.as_uuid().get_version_num(), 7);
        let end = UNIX_EPOCH + Duration::from_secs(1 << 48);
        assert_ne!(EventId::at(end, &counter), EventId::at(end, &counter));
    }

    #[test]
    fn ids_sort_in_the_order_in_which_they_are_made() {
        let ids: Vec<_> = (0..10_000).map(|_| EventId::new()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn ids_sort_while_the_clock_jumps_ahead_and_back() {
        let counter = counter();
        let now = SystemTime::now();
        let ids: Vec<_> = (0..1_000)
            .map(|turn: u64| {
                now + Duration::from_millis(3_600_000 * (turn % 7))
                    - Duration::from_millis(turn % 5)
            })
            .map(|time| EventId::at(time, &counter))
            .collect();
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
    }
}
