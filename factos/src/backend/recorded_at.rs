//! The time of a record: whole microseconds, so that it comes back equal from every store.

use std::time::{Duration, SystemTime};

/// The time of a batch that is accepted now.
#[must_use]
pub fn now() -> SystemTime {
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + (since - Duration::from_nanos(u64::from(since.subsec_nanos() % 1000)))
}

/// Whole microseconds since 1970; 0 for a time before.
#[must_use]
pub fn micros_of(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The time so many microseconds after the beginning of 1970; none past what the system can hold.
#[must_use]
pub fn time_of_micros(micros: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_from_their_microseconds() {
        let time = now();
        assert_eq!(time_of_micros(micros_of(time)), Some(time));
        let odd = SystemTime::UNIX_EPOCH + Duration::new(1, 2_999);
        assert_eq!(micros_of(odd), 1_000_002);
        assert_eq!(micros_of(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
