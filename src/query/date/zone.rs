//! Time zones: fixed offsets, and those of the IANA database that is built in.
//!
//! The built-in database gives the same results on each machine; the one of the operating system is not read. Rules
//! of a zone repeat with the calendar every 400 years, so instants beyond the years that jiff supports are mapped
//! into them.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::local::{CYCLE_MILLIS, Local};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone.
#[derive(Clone, Debug)]
pub(in crate::query) enum Zone {
    /// A fixed number of milliseconds east of UTC.
    Fixed(i64),
    /// A zone of the IANA database.
    Named(TimeZone),
}

impl Default for Zone {
    fn default() -> Zone {
        Zone::UTC
    }
}

impl Zone {
    pub(in crate::query) const UTC: Zone = Zone::Fixed(0);

    /// The zone of this name or offset. Names are those of the IANA database and case-sensitive.
    pub(in crate::query) fn find(text: &str) -> Option<Zone> {
        if let Some(offset) = Zone::offset_of(text) {
            return Some(Zone::Fixed(offset));
        }
        let zone = DATABASE.get(text).ok()?;
        // jiff ignores case, and has a name for unknown zones.
        (zone.iana_name() == Some(text) && !zone.is_unknown()).then_some(Zone::Named(zone))
    }

    /// The name that differs from this text only in case.
    pub(in crate::query) fn similar(text: &str) -> Option<String> {
        let zone = DATABASE.get(text).ok().filter(|zone| !zone.is_unknown())?;
        zone.iana_name().map(str::to_owned)
    }

    /// Reads `UTC`, `GMT`, `Z`, `+03`, `+0330`, `+03:30` as milliseconds east of UTC.
    pub(in crate::query) fn offset_of(text: &str) -> Option<i64> {
        if matches!(text, "UTC" | "GMT" | "Z" | "z" | "Etc/UTC" | "Etc/GMT") {
            return Some(0);
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = match rest.len() {
            2 => (rest, "00"),
            4 => rest.split_at_checked(2)?,
            5 => rest.split_once(':').filter(|(hours, _)| hours.len() == 2)?,
            _ => return None,
        };
        if !hours.bytes().chain(minutes.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
    }

    pub(in crate::query) fn is_utc(&self) -> bool {
        matches!(self, Zone::Fixed(0))
    }

    /// Milliseconds east of UTC at an instant.
    #[inline]
    pub(in crate::query) fn offset(&self, instant: i64) -> i64 {
        match self {
            Zone::Fixed(offset) => *offset,
            Zone::Named(zone) => millis(zone.to_offset(timestamp(instant))),
        }
    }

    /// Whether daylight saving time is in force at an instant.
    pub(in crate::query) fn is_dst(&self, instant: i64) -> bool {
        match self {
            Zone::Fixed(_) => false,
            Zone::Named(zone) => zone.to_offset_info(timestamp(instant)).dst().is_dst(),
        }
    }

    /// The local time of an instant, in milliseconds. It is clamped only beyond the dates that a document can hold.
    #[inline]
    pub(in crate::query) fn local(&self, instant: i64) -> i64 {
        instant.saturating_add(self.offset(instant))
    }

    /// The fields of the local time of an instant.
    #[inline]
    pub(in crate::query) fn fields(&self, instant: i64) -> Local {
        Local::of(self.local(instant))
    }

    /// The instant of a local time, by MongoDB's rules.
    ///
    /// A skipped time continues after the transition: 02:30 is 03:30 if clocks go from 02:00 to 03:00. A time that
    /// occurs twice is the instant in daylight saving time if `dst`, else the one in standard time. If both have the
    /// same rule, it is the later one east of Greenwich and the earlier one west of it.
    pub(in crate::query) fn instant(&self, local: i64, dst: bool) -> i64 {
        let offset = match self {
            Zone::Fixed(offset) => *offset,
            Zone::Named(zone) => {
                let near = timestamp(local);
                match zone.to_ambiguous_timestamp(Offset::UTC.to_datetime(near)).offset() {
                    AmbiguousOffset::Unambiguous { offset } => millis(offset),
                    AmbiguousOffset::Gap { before, .. } => millis(before),
                    AmbiguousOffset::Fold { before, after } => {
                        let (before, after) = (millis(before), millis(after));
                        let is_dst = |offset: i64| self.is_dst(near.as_millisecond() - offset);
                        match (is_dst(before), is_dst(after)) {
                            (first, second) if first == second && after < 0 => before,
                            (first, second) if first == second => after,
                            (first, _) if first == dst => before,
                            _ => after,
                        }
                    }
                }
            }
        };
        local.saturating_sub(offset)
    }
}

fn millis(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1_000
}

/// The instant, or one within jiff's range at which the same rules hold.
#[inline]
fn timestamp(instant: i64) -> Timestamp {
    Timestamp::from_millisecond(instant).unwrap_or_else(|_| {
        if instant < 0 {
            return Timestamp::MIN;
        }
        let beyond = instant - Timestamp::MAX.as_millisecond();
        let cycles = (beyond - 1) / CYCLE_MILLIS + 1;
        Timestamp::from_millisecond(instant - cycles * CYCLE_MILLIS).unwrap_or(Timestamp::MAX)
    })
}
