use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};

/// A time as text of RFC 3339, in UTC and in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rfc3339(pub(crate) SystemTime);

const MICROS_PER_DAY: i128 = 86_400_000_000;

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = match self.0.duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_micros()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_micros()).unwrap_or(i128::MAX),
        };
        let (year, month, day) = date(micros.div_euclid(MICROS_PER_DAY));
        let micros = micros.rem_euclid(MICROS_PER_DAY);
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// The date of a day, counted from 1970-01-01, in the proleptic Gregorian calendar. The year is counted from March, so
/// that the day that is left over stands at its end.
fn date(days_since_1970: i128) -> (i128, i128, i128) {
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i128::from(month <= 2), month, day)
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |micros: i64| {
            let distance = Duration::from_micros(micros.unsigned_abs());
            let time = if micros < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
            Rfc3339(time).to_string()
        };
        let second = 1_000_000;
        assert_eq!(at(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(at(951_782_400 * second), "2000-02-29T00:00:00.000000Z");
        assert_eq!(at(1_709_251_199 * second), "2024-02-29T23:59:59.000000Z");
        assert_eq!(at(1_709_251_200 * second), "2024-03-01T00:00:00.000000Z");
        assert_eq!(at(4_107_542_400 * second), "2100-03-01T00:00:00.000000Z");
        assert_eq!(at(1_795_881_268 * second + 12), "2026-11-28T15:54:28.000012Z");
        assert_eq!(at(-62_135_596_800 * second), "0001-01-01T00:00:00.000000Z");
    }
}
