//! Times as text.

use super::local::{Fields, Local};
use super::zone::Zone;

/// A time as written in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The local time in milliseconds since 1970.
    pub(in crate::query) local: i64,
    /// Milliseconds east of UTC, if the text has an offset.
    pub(in crate::query) offset: Option<i64>,
}

impl Written {
    /// The instant, in this zone if the text has no offset; `None` beyond int64.
    pub(in crate::query) fn instant(&self, zone: &Zone) -> Option<i64> {
        match self.offset {
            Some(offset) => self.local.checked_sub(offset),
            None => Some(zone.instant(self.local, false)),
        }
    }
}

/// The instant of a text in ISO 8601 that has an offset, such as `2024-01-31T12:00:00.000Z`, in milliseconds since 1970.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let written = read(text)?;
    written.local.checked_sub(written.offset?)
}

/// An instant in milliseconds since 1970 as a text in ISO 8601.
pub(crate) fn text_of(millis: i64) -> String {
    let at = Local::of(millis);
    let (date, time) = ((at.year(), at.month(), at.day()), (at.hour(), at.minute(), at.second()));
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.0,
        date.1,
        date.2,
        time.0,
        time.1,
        time.2,
        at.millisecond()
    )
}

/// Parses ISO 8601: a date, optionally a time after `T` or a space, optionally an offset.
pub(crate) fn read(text: &str) -> Option<Written> {
    let mut rest = text.trim();
    let mut fields = Fields::start(digits(&mut rest, 4, 4)?);
    let dashed = rest.starts_with('-');
    rest = rest.strip_prefix('-').unwrap_or(rest);
    fields.month = digits(&mut rest, 2, 2)?;
    if dashed {
        rest = rest.strip_prefix('-')?;
    }
    fields.day = digits(&mut rest, 2, 2)?;
    let mut offset = None;
    if let Some(time) = rest.strip_prefix(['T', 't', ' ']) {
        rest = time.trim_start();
        read_time(&mut rest, &mut fields)?;
        let name = rest.trim_start();
        if !name.is_empty() {
            offset = Some(Zone::offset_of(name)?);
            rest = "";
        }
    }
    if !rest.is_empty() || !fields.date_is_in_range() || !fields.time_is_in_range() {
        return None;
    }
    Some(Written { local: fields.local()?, offset })
}

/// Hours and minutes, optionally seconds and a fraction. Digits after the third of a fraction are dropped.
fn read_time(rest: &mut &str, fields: &mut Fields) -> Option<()> {
    fields.hour = digits(rest, 2, 2)?;
    *rest = rest.strip_prefix(':').unwrap_or(rest);
    fields.minute = digits(rest, 2, 2)?;
    if let Some(behind) = rest.strip_prefix(':') {
        *rest = behind;
        fields.second = digits(rest, 2, 2)?;
    }
    if let Some(behind) = rest.strip_prefix(['.', ',']) {
        let count = behind.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, behind) = behind.split_at_checked(count)?;
        let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
        fields.millisecond = fraction.parse().ok()?;
        *rest = behind;
    }
    Some(())
}

/// Takes digits from the front: at least `least`, at most `most` of them.
pub(in crate::query) fn digits(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    number.parse().ok()
}
