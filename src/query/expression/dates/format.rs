//! Formatting and parsing dates by a format such as `%Y-%m-%d`.

use std::fmt::Write;

use crate::query::date::{Fields, Local, Written, Zone, digits, first_day, iso_year_start};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The format of ISO 8601 in UTC.
pub(in crate::query) const STANDARD: &str = "%Y-%m-%dT%H:%M:%S.%LZ";
/// The same without the zone.
pub(in crate::query) const STANDARD_LOCAL: &str = "%Y-%m-%dT%H:%M:%S.%L";

/// The text that `$toString` gives.
pub(in crate::query) fn standard(date: i64) -> String {
    write(date, &Zone::UTC, STANDARD).unwrap_or_default()
}

/// The text of a date by a format.
pub(in crate::query) fn write(date: i64, zone: &Zone, format: &str) -> Result<String, String> {
    let offset = zone.offset(date);
    let local = Local::of(date.saturating_add(offset));
    let mut out = String::with_capacity(format.len() + 8);
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let specifier = chars.next();
        if !specifier.is_some_and(|specifier| write_part(&mut out, specifier, &local, offset)) {
            let shown = specifier.map(String::from).unwrap_or_default();
            return Err(format!("does not know '%{shown}' in a format"));
        }
    }
    Ok(out)
}

/// Appends the part that a specifier names; `false` for an unknown specifier.
fn write_part(out: &mut String, specifier: char, local: &Local, offset: i64) -> bool {
    let month = MONTHS.get(local.month() as usize - 1).copied().unwrap_or_default();
    let minutes = offset / 60_000;
    let (width, number) = match specifier {
        'd' => (2, local.day()),
        'G' => (4, local.iso_week().0),
        'H' => (2, local.hour()),
        'j' => (3, local.day_of_year()),
        'L' => (3, local.millisecond()),
        'm' => (2, local.month()),
        'M' => (2, local.minute()),
        'S' => (2, local.second()),
        'u' => (1, local.iso_weekday()),
        'U' => (2, local.week()),
        'V' => (2, local.iso_week().1),
        'w' => (1, local.iso_weekday() % 7 + 1),
        'Y' => (4, local.year()),
        '%' => {
            out.push('%');
            return true;
        }
        'b' => {
            out.push_str(month.get(..3).unwrap_or_default());
            return true;
        }
        'B' => {
            out.push_str(month);
            return true;
        }
        'z' => {
            out.push(if minutes < 0 { '-' } else { '+' });
            (4, minutes.abs() / 60 * 100 + minutes.abs() % 60)
        }
        'Z' => {
            out.push(if minutes < 0 { '-' } else { '+' });
            (3, minutes.abs())
        }
        _ => return false,
    };
    push_padded(out, number, width);
    true
}

/// Appends a number with zeros in front up to a width. Formatting by `std` takes twice as long.
fn push_padded(out: &mut String, number: i64, width: usize) {
    const UNITS: [i64; 4] = [1_000, 100, 10, 1];
    let units = UNITS.get(UNITS.len().saturating_sub(width)..).unwrap_or_default();
    match units.first() {
        Some(first) if (0..first * 10).contains(&number) => {
            out.extend(units.iter().map(|unit| char::from(b'0' + (number / unit % 10) as u8)));
        }
        // Writing to a string does not fail.
        _ => drop(write!(out, "{number:0width$}")),
    }
}

/// Parses a text by a format. Parts that the format leaves out are those of the start of 1970.
pub(in crate::query) fn read(text: &str, format: &str) -> Result<Written, String> {
    let fault = || format!("cannot read '{text}' by the format '{format}'");
    let mut reader = Reader { rest: text, fields: Fields::start(1970), ..Reader::default() };
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            reader.literal(c).ok_or_else(fault)?;
            continue;
        }
        match chars.next() {
            Some(specifier) if "bBdGHjLmMSuVYzZ%".contains(specifier) => {
                reader.specifier(specifier).ok_or_else(fault)?;
            }
            other => {
                let shown = other.map(String::from).unwrap_or_default();
                return Err(format!("does not know '%{shown}' in a format for reading"));
            }
        }
    }
    reader.finish().ok_or_else(fault)
}

/// The parts that were read so far.
#[derive(Default)]
struct Reader<'a> {
    rest: &'a str,
    fields: Fields,
    offset: Option<i64>,
    day_of_year: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    iso_weekday: Option<i64>,
}

impl Reader<'_> {
    fn literal(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        digits(&mut self.rest, least, most)
    }

    fn specifier(&mut self, specifier: char) -> Option<()> {
        match specifier {
            'd' => self.fields.day = self.number(1, 2)?,
            'G' => self.iso_year = Some(self.number(4, 4)?),
            'H' => self.fields.hour = self.number(1, 2)?,
            'j' => self.day_of_year = Some(self.number(1, 3)?),
            'L' => self.fields.millisecond = self.number(1, 3)?,
            'm' => self.fields.month = self.number(1, 2)?,
            'M' => self.fields.minute = self.number(1, 2)?,
            'S' => self.fields.second = self.number(1, 2)?,
            'u' => self.iso_weekday = Some(self.number(1, 1)?),
            'V' => self.iso_week = Some(self.number(1, 2)?),
            'Y' => self.fields.year = self.number(4, 4)?,
            'b' => self.fields.month = self.month(|name| name.get(..3).unwrap_or_default())?,
            'B' => self.fields.month = self.month(|name| name)?,
            'z' => self.offset = Some(self.offset()?),
            'Z' => self.offset = Some(self.offset_in_minutes()?),
            other => self.literal(other)?,
        }
        Some(())
    }

    fn month(&mut self, shown: fn(&str) -> &str) -> Option<i64> {
        for (at, name) in MONTHS.into_iter().enumerate() {
            let name = shown(name);
            if let Some((start, behind)) = self.rest.split_at_checked(name.len())
                && start.eq_ignore_ascii_case(name)
            {
                self.rest = behind;
                return i64::try_from(at + 1).ok();
            }
        }
        None
    }

    fn offset(&mut self) -> Option<i64> {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':'));
        let (name, behind) = self.rest.split_at_checked(self.rest.find(ends).unwrap_or(self.rest.len()))?;
        self.rest = behind;
        Zone::offset_of(name)
    }

    fn offset_in_minutes(&mut self) -> Option<i64> {
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        Some(sign * self.number(1, 4)? * 60_000)
    }

    fn finish(self) -> Option<Written> {
        let fields = self.fields;
        let day = match (self.day_of_year, self.iso_year) {
            (Some(day), _) => Some(first_day(fields.year * 12)?.0 + day - 1),
            (None, Some(year)) => {
                let week = self.iso_week.unwrap_or(1) - 1;
                Some(iso_year_start(year)? + week * 7 + self.iso_weekday.unwrap_or(1) - 1)
            }
            (None, None) => None,
        };
        let in_range = fields.time_is_in_range() && (day.is_some() || fields.date_is_in_range());
        if !self.rest.is_empty() || !in_range {
            return None;
        }
        let local = match day {
            Some(day) => fields.at_day(day)?,
            None => fields.local()?,
        };
        Some(Written { local, offset: self.offset })
    }
}
