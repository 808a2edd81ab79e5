use std::time::{Duration, SystemTime};

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef, types::Oid},
};

const TIMESTAMPTZ: Oid = Oid(1184);

/// The beginning of 2000, from which the server counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// A time as the server's `timestamptz`: microseconds since the beginning of 2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    pub(super) fn system_time(self) -> Option<SystemTime> {
        self.0.checked_add(EPOCH).and_then(time_since_1970)
    }
}

/// A time of the server, from microseconds since the beginning of 1970.
pub(crate) fn time_since_1970(microseconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_micros(microseconds.unsigned_abs());
    match microseconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(distance),
        _ => SystemTime::UNIX_EPOCH.checked_sub(distance),
    }
}

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Time {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(i64::from_be_bytes(value.as_bytes()?.try_into()?)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Time, time_since_1970};

    #[test]
    fn both_ways_to_count_tell_the_same_times() {
        let seconds = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        assert_eq!(time_since_1970(0), seconds(0));
        assert_eq!(Time(0).system_time(), seconds(946_684_800));
        assert_eq!(Time(-946_684_800_000_000).system_time(), seconds(0));
        let before = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_micros(1));
        assert_eq!(time_since_1970(-1), before);
        assert_eq!(Time(-946_684_800_000_001).system_time(), before);
        let now = 1_764_595_328_123_456;
        assert_eq!(Time(now - 946_684_800_000_000).system_time(), time_since_1970(now));
    }
}
