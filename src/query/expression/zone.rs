//! Time zones: UTC and fixed offsets. Others change with the law and need a database of their own.

use super::operator::Args;
use crate::document::Value;
use crate::error::{Error, Kind, Result, codes};

/// Milliseconds east of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Zone(pub(super) i64);

impl Zone {
    /// The zone that an argument names; UTC when it is not given, `None` when it is null or missing.
    pub(super) fn of(args: &Args<'_>, index: usize) -> Result<Option<Zone>> {
        if !args.is_given(index) {
            return Ok(Some(Zone::default()));
        }
        match args.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => match offset(text) {
                Some(zone) => Ok(Some(zone)),
                None => {
                    let message = format!(
                        "{} does not know the time zone '{text}'; use UTC or an offset such as '+02:00'",
                        args.name()
                    );
                    Err(Error::new(Kind::NotSupported, message).with_code(codes::UNKNOWN_TIME_ZONE))
                }
            },
            Some(other) => {
                let of_part = !args.name().starts_with("$date");
                let code = if of_part { codes::TIME_ZONE_TYPE_OF_PART } else { codes::TIME_ZONE_TYPE };
                args.fail_as(code, format!("needs a string as timezone, not {}", other.type_name()))
            }
        }
    }

    /// `+0200`.
    pub(super) fn compact(self) -> String {
        let minutes = self.0.abs() / 60_000;
        format!("{}{:02}{:02}", if self.0 < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    }
}

/// Reads `UTC`, `Z`, `+03`, `+0330`, `+03:30`.
pub(super) fn offset(text: &str) -> Option<Zone> {
    if matches!(text, "UTC" | "GMT" | "Z" | "z" | "Etc/UTC" | "Etc/GMT") {
        return Some(Zone(0));
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|c| *c != ':').collect();
    let shaped = matches!((rest.len(), rest.find(':')), (2 | 4, None) | (5, Some(2)));
    if !shaped || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 =
        digits.get(2..).filter(|rest| !rest.is_empty()).map_or(Some(0), |rest| rest.parse().ok())?;
    (hours < 24 && minutes < 60).then_some(Zone(sign * (hours * 60 + minutes) * 60_000))
}
