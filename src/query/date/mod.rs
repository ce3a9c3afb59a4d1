//! Dates of BSON, which are milliseconds since 1970, in calendars and time zones.
//!
//! - `local`: the fields of a local time, and the days at which months and ISO years start
//! - `zone`: offsets and IANA time zones; which instant a local time is
//! - `iso`: parsing ISO 8601

mod iso;
mod local;
#[cfg(test)]
mod tests;
mod zone;
#[cfg(test)]
mod zone_tests;

pub(in crate::query) use iso::{Written, digits};
pub(crate) use iso::{instant, read, text_of};
pub(in crate::query) use local::{DAY, Fields, Local, first_day, iso_year_start};
pub(in crate::query) use zone::Zone;
