//! Timestamps and clocks: UTC, in whole milliseconds.

use std::fmt;
use std::time::Duration;

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;

use crate::InvalidValue;

/// A UTC timestamp in whole milliseconds, from 1970 to the end of the year 9999.
///
/// ```
/// use std::time::Duration;
///
/// use attache_model::Timestamp;
///
/// let at = Timestamp::parse("2026-01-31T13:00:00+01:00")?;
/// assert_eq!(at.to_string(), "2026-01-31T12:00:00.000Z");
/// assert_eq!(at.plus(Duration::from_secs(90)).as_seconds() - at.as_seconds(), 90);
/// # Ok::<(), attache_model::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last millisecond of the year 9999, the maximum of RFC 3339.
const LAST_MILLIS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Creates a timestamp from milliseconds since 1970, clamped to the years 1970 to 9999.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < 0 {
            Self(0)
        } else if millis > LAST_MILLIS {
            Self(LAST_MILLIS)
        } else {
            Self(millis)
        }
    }

    /// Returns the milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since 1970, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0 / 1000
    }

    /// Returns the beginning of the timestamp's second.
    #[must_use]
    pub const fn floor_to_second(self) -> Self {
        Self(self.0 - self.0 % 1000)
    }

    /// Returns the timestamp `duration` later; the end of the year 9999 at the latest.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(LAST_MILLIS);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Parses an RFC 3339 time with any offset, or a date (`2026-01-31`, midnight UTC). Fractions of a
    /// millisecond are dropped. The seconds, and the colon or the minutes of the offset, may be absent, as
    /// ISO 8601 allows and some libraries write: `2026-01-31T13:00+0100`.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is not RFC 3339, or outside the years 1970 to 9999.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let millis = parse_millis(text)?;
        if !(0..=LAST_MILLIS).contains(&millis) {
            return Err(InvalidValue::new(
                "time",
                "is outside the years 1970 to 9999",
            ));
        }
        Ok(Self(millis))
    }

    /// Parses a bound of a time range: like [`parse`](Self::parse), but a time outside the years 1970 to
    /// 9999 is clamped, since no timestamp lies beyond.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is not RFC 3339.
    pub fn parse_bound(text: &str) -> Result<Self, InvalidValue> {
        parse_millis(text).map(Self::from_millis)
    }

    fn to_datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Returns the milliseconds since 1970, negative before.
fn parse_millis(text: &str) -> Result<i64, InvalidValue> {
    let refused = || {
        InvalidValue::new(
            "time",
            "is not an RFC 3339 time such as 2026-01-31T12:00:00Z, nor a date",
        )
    };
    let full = complete(text).ok_or_else(refused)?;
    let parsed = OffsetDateTime::parse(&full, &Rfc3339).map_err(|_| refused())?;
    let millis = parsed.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(millis).map_err(|_| refused())
}

/// Adds what RFC 3339 demands and ISO 8601 does not: seconds, and the colon and minutes of the offset.
/// Returns `None` for a text that is too short to be a time.
fn complete(text: &str) -> Option<String> {
    if text.len() == "2026-01-31".len() {
        return Some(format!("{text}T00:00:00Z"));
    }
    let (date, time) = text.split_at_checked("2026-01-31T".len())?;
    let (time, offset) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let seconds = if time.len() == "13:00".len() {
        ":00"
    } else {
        ""
    };
    let offset = match offset.split_at_checked("+01".len()) {
        Some((hours, "")) => format!("{hours}:00"),
        Some((hours, minutes)) if minutes.len() == 2 => format!("{hours}:{minutes}"),
        _ => offset.to_owned(),
    };
    Some(format!("{date}{time}{seconds}{offset}"))
}

impl fmt::Display for Timestamp {
    /// Prints RFC 3339 in UTC with exactly three decimals: `2026-01-31T12:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.to_datetime();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.millisecond()
        )
    }
}

/// A source of the current time. It is a parameter everywhere, so that expiry can be tested exactly.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock, for use outside tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the system's clock"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_millis(
            since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_round_trips_in_milliseconds() {
        let at = Timestamp::parse("2024-05-12T10:16:36.244-04:00").unwrap();
        assert_eq!(at.to_string(), "2024-05-12T14:16:36.244Z");
        assert_eq!(Timestamp::parse(&at.to_string()).unwrap(), at);
    }

    #[test]
    fn timestamp_floors_to_its_second() {
        for (millis, floor) in [(0, 0), (999, 0), (1000, 1000), (1999, 1000)] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(at.floor_to_second().as_millis(), floor, "{millis}");
        }
    }

    #[test]
    fn date_parses_as_midnight_utc() {
        let at = Timestamp::parse("2024-02-29").unwrap();
        assert_eq!(at.to_string(), "2024-02-29T00:00:00.000Z");
    }

    #[test]
    fn times_of_iso_8601_are_read() {
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00+0000",
            "2026-01-31T12:00:00-0000",
            "2026-01-31T12:00:00.000+0000",
            "2026-01-31T13:00:00.0000000+01",
            "2026-01-31T17:30:00+0530",
            "2026-01-31T12:00Z",
            "2026-01-31T14:00+02:00",
            "2026-01-31t08:30-0330",
        ] {
            let at = Timestamp::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(at.to_string(), "2026-01-31T12:00:00.000Z", "{text}");
        }
    }

    #[test]
    fn invalid_times_are_refused() {
        for wrong in [
            "2026-01-31T12:00:00",
            "2026-01-31T12Z",
            "2026-01-31T12:00:00+000",
            "2026-01-31T12:00:00+00000",
            "2026-01-31T12:00:00+2500",
            "2026-01-31T12:00:00+",
            "2026-01-31T\u{e9}2:00Z",
            "2026-01-3\u{e9}",
            "",
            "yesterday",
            "2023-02-29",
            "2024-05-12 10:16:36Z ",
            "1969-12-31",
            "1715523396",
        ] {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bound_is_clamped_to_valid_years() {
        let (first, last) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
        for (text, bound) in [
            ("0000-01-01", first),
            ("0001-01-01T00:00:00+14:00", first),
            ("1969-12-31", first),
            ("9999-12-31T23:59:59.999-01:00", last),
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
            assert_eq!(Timestamp::parse_bound(text).unwrap(), bound, "{text}");
        }
        let noon = "2024-05-12T12:00:00Z";
        assert_eq!(Timestamp::parse_bound(noon), Timestamp::parse(noon));
        assert!(Timestamp::parse_bound("yesterday").is_err());
    }

    #[test]
    fn timestamp_stays_within_rfc_3339() {
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(Timestamp::from_millis(-1), Timestamp::from_millis(0));
        let end = Timestamp::from_millis(LAST_MILLIS);
        assert_eq!(end.plus(Duration::MAX), end);
    }
}
