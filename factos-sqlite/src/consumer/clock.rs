//! Time: that of SQLite, when a statement runs, in milliseconds.

use std::time::Duration;

/// The milliseconds since 1970. The functions that tell them directly are newer than SQLite 3.37.
macro_rules! now {
    () => {
        "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"
    };
}

/// Whether the lease of a partition runs; NULL if there is none. One that begins later than now is from before the clock
/// was set back, and has run out: else it would last as long as the clock needs to come there again.
macro_rules! is_leased {
    () => {
        concat!("(leased_at <= ", now!(), " AND ", now!(), " - leased_at < leased_for)")
    };
}

pub(super) use {is_leased, now};

/// The longest time that is kept: some millennia. Sums with it do not overflow.
const LONGEST: i64 = 1 << 47;

/// A length of time as the tables keep it, never shorter.
pub(super) fn milliseconds(length: Duration) -> i64 {
    let whole = length.as_nanos().div_ceil(1_000_000);
    i64::try_from(whole).map_or(LONGEST, |length| length.min(LONGEST))
}

/// A length of time that the tables tell; none if it is negative.
pub(super) fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}
