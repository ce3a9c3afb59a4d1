//! Strings: building, cutting, changing.

use std::collections::HashSet;

use super::search::BYTES_A_STEP;
use crate::document::{MAX_DOCUMENT, Value};
use crate::error::{Result, codes};
use crate::query::expression::operator::{ANY, Args, Operator, Outcome, int, list, named, null, text};
use crate::query::expression::types::convert::text_of;

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$concat", 0, ANY, concat),
    named("$ltrim", &["input", "chars"], 1, |args| trim(args, Ends::Start)),
    named("$rtrim", &["input", "chars"], 1, |args| trim(args, Ends::End)),
    named("$trim", &["input", "chars"], 1, |args| trim(args, Ends::Both)),
    list("$split", 2, 2, split),
    list("$strLenBytes", 1, 1, |args| int(args.text(0)?.len())),
    list("$strLenCP", 1, 1, |args| int(args.text(0)?.chars().count())),
    list("$strcasecmp", 2, 2, |args| {
        let (a, b) = (coerced(args, 0)?.to_uppercase(), coerced(args, 1)?.to_uppercase());
        Ok(Some(Value::Int(a.cmp(&b) as i32)))
    }),
    list("$substr", 3, 3, substring_bytes),
    list("$substrBytes", 3, 3, substring_bytes),
    list("$substrCP", 3, 3, substring_points),
    list("$toLower", 1, 1, |args| text(coerced(args, 0)?.to_lowercase())),
    list("$toUpper", 1, 1, |args| text(coerced(args, 0)?.to_uppercase())),
];

/// A string, or the text of a number or a date; empty for null and missing.
fn coerced(args: &Args<'_>, index: usize) -> Result<String> {
    match args.get(index) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(
            value @ (Value::String(_) | Value::Int(_) | Value::Double(_) | Value::Long(_) | Value::Date(_)),
        ) => Ok(text_of(value).unwrap_or_default()),
        Some(other) => {
            let message = format!("needs a string, a number or a date, not {}", other.type_name());
            args.fail_as(codes::NO_STRING, message)
        }
    }
}

fn concat(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut all = String::new();
    for index in 0..args.len() {
        all.push_str(args.text(index)?);
        if all.len() > MAX_DOCUMENT {
            let message = format!("makes a string of more than {MAX_DOCUMENT} bytes");
            return args.fail_as(codes::BSON_OBJECT_TOO_LARGE, message);
        }
    }
    text(all)
}

/// The ends of a string that are trimmed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Start,
    End,
    Both,
}

fn trim(args: &mut Args<'_>, ends: Ends) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let given: Option<HashSet<char>> =
        if args.is_given(1) { Some(args.text(1)?.chars().collect()) } else { None };
    args.step(1 + (args.text(0)?.len() + given.as_ref().map_or(0, HashSet::len)) / 8)?;
    let goes = |c: char| match &given {
        Some(chars) => chars.contains(&c),
        // What the server takes for white space.
        None => matches!(c, '\0' | '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}'),
    };
    let mut rest = args.text(0)?;
    if ends != Ends::End {
        rest = rest.trim_start_matches(goes);
    }
    if ends != Ends::Start {
        rest = rest.trim_end_matches(goes);
    }
    text(rest.to_owned())
}

fn split(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (whole, separator) = (args.text(0)?, args.text(1)?);
    if separator.is_empty() {
        return args.fail("needs a separator that is not empty");
    }
    args.step(1 + whole.len() / BYTES_A_STEP)?;
    let mut parts = Vec::new();
    for part in whole.split(separator) {
        args.hold(size_of::<Value>() + part.len())?;
        args.step(1)?;
        parts.push(Value::String(part.to_owned()));
    }
    Ok(Some(Value::Array(parts)))
}

fn bounds(args: &Args<'_>) -> Result<(usize, Option<usize>)> {
    let start = match usize::try_from(args.integer(1)?) {
        Ok(start) => start,
        Err(_) => return args.fail("needs a start that is not negative"),
    };
    Ok((start, usize::try_from(args.integer(2)?).ok()))
}

fn substring_bytes(args: &mut Args<'_>) -> Outcome {
    let whole = coerced(args, 0)?;
    let (start, count) = bounds(args)?;
    let start = start.min(whole.len());
    let end = count.map_or(whole.len(), |count| start.saturating_add(count).min(whole.len()));
    match whole.get(start..end) {
        Some(part) => text(part.to_owned()),
        None => {
            let code =
                if whole.is_char_boundary(start) { codes::SUBSTRING_END } else { codes::SUBSTRING_START };
            args.fail_as(code, "would cut a character in the middle; use $substrCP")
        }
    }
}

fn substring_points(args: &mut Args<'_>) -> Outcome {
    let whole = coerced(args, 0)?;
    let (start, count) = bounds(args)?;
    match count {
        Some(count) => text(whole.chars().skip(start).take(count).collect()),
        None => args.fail_as(codes::SUBSTRING_LENGTH, "needs a count that is not negative"),
    }
}
