//! Dates and time zones among the arguments of operators.

use crate::document::Value;
use crate::error::{Result, codes};
use crate::query::date::Zone;
use crate::query::expression::operator::Args;

/// The zone that an argument names; UTC when it is not given, `None` when it is null or missing.
pub(in crate::query) fn zone(args: &Args<'_>, index: usize) -> Result<Option<Zone>> {
    if !args.is_given(index) {
        return Ok(Some(Zone::UTC));
    }
    match args.get(index) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match Zone::find(text) {
            Some(zone) => Ok(Some(zone)),
            None => args.fail_as(codes::UNKNOWN_TIME_ZONE, unknown_zone(text)),
        },
        Some(other) => {
            let of_part = !args.name().starts_with("$date");
            let code = if of_part { codes::TIME_ZONE_TYPE_OF_PART } else { codes::TIME_ZONE_TYPE };
            args.fail_as(code, format!("needs a string as timezone, not {}", other.type_name()))
        }
    }
}

/// The message for an unknown time zone.
pub(in crate::query) fn unknown_zone(text: &str) -> String {
    match Zone::similar(text) {
        Some(name) => format!("does not know the time zone '{text}'; its name is '{name}'"),
        None => format!(
            "does not know the time zone '{text}'; use a name of the IANA database such as 'Europe/Berlin', or an offset such as '+02:00'"
        ),
    }
}

/// A date and a zone; `None` where one of them is null or missing.
pub(in crate::query) fn date_and_zone(
    args: &Args<'_>,
    date: usize,
    zone_at: usize,
) -> Result<Option<(i64, Zone)>> {
    if args.nullish(date) {
        return Ok(None);
    }
    let Some(zone) = zone(args, zone_at)? else { return Ok(None) };
    Ok(Some((args.date(date)?, zone)))
}
