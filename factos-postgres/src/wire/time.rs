use std::time::{Duration, SystemTime};

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef, types::Oid},
};

const TIMESTAMPTZ: Oid = Oid(1184);

/// The beginning of 2000, from which the server counts.
const EPOCH: Duration = Duration::from_secs(946_684_800);

/// A time as the server's `timestamptz`: microseconds since the beginning of 2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    pub(super) fn system_time(self) -> Option<SystemTime> {
        let distance = Duration::from_micros(self.0.unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH.checked_add(EPOCH)?;
        if self.0 < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
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
