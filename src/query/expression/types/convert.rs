//! Types and conversions between them.

use crate::document::{Value, id};
use crate::error::{Error, Kind, codes};
use crate::query::date::{self, Zone};
use crate::query::expression::dates::format;
use crate::query::expression::logic::is_true;
use crate::query::expression::numbers::Num;
use crate::query::expression::operator::{Operator, Outcome, bool, list, refuse, text};

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$isNumber", 1, 1, |args| bool(args.get(0).and_then(Num::of).is_some())),
    list("$toBool", 1, 1, |args| convert_to("$toBool", args.get(0), Target::Bool)),
    list("$toDate", 1, 1, |args| convert_to("$toDate", args.get(0), Target::Date)),
    list("$toDouble", 1, 1, |args| convert_to("$toDouble", args.get(0), Target::Double)),
    list("$toInt", 1, 1, |args| convert_to("$toInt", args.get(0), Target::Int)),
    list("$toLong", 1, 1, |args| convert_to("$toLong", args.get(0), Target::Long)),
    list("$toObjectId", 1, 1, |args| convert_to("$toObjectId", args.get(0), Target::ObjectId)),
    list("$toString", 1, 1, |args| convert_to("$toString", args.get(0), Target::String)),
    list("$type", 1, 1, |args| text(args.get(0).map_or("missing", Value::type_name).to_owned())),
];

#[derive(Clone, Copy, Debug)]
enum Target {
    Double,
    String,
    ObjectId,
    Bool,
    Date,
    Int,
    Long,
}

/// `$convert`: the type is a name or a number.
pub(in crate::query) fn convert(value: Option<&Value>, to: Option<&Value>) -> Outcome {
    let to = match to {
        Some(Value::Object(fields)) => fields.iter().find(|(key, _)| key == "type").map(|(_, value)| value),
        other => other,
    };
    let target = match to {
        None | Some(Value::Null) => return Ok(Some(Value::Null)),
        Some(Value::String(name)) => match name.as_str() {
            "double" => Target::Double,
            "string" => Target::String,
            "objectId" => Target::ObjectId,
            "bool" => Target::Bool,
            "date" => Target::Date,
            "int" => Target::Int,
            "long" => Target::Long,
            "decimal" | "binData" => {
                let message =
                    format!("$convert does not support the type '{name}'; use double, string or long");
                return Err(Error::new(Kind::NotSupported, message));
            }
            _ => {
                let message = format!("does not know the type '{name}'");
                return Err(refuse("$convert", message).with_code(codes::BAD_VALUE));
            }
        },
        Some(number) => match crate::query::number::as_integer(number) {
            Some(1) => Target::Double,
            Some(2) => Target::String,
            Some(7) => Target::ObjectId,
            Some(8) => Target::Bool,
            Some(9) => Target::Date,
            Some(16) => Target::Int,
            Some(18) => Target::Long,
            _ => {
                let message = "needs the name or number of a type in 'to'";
                return Err(refuse("$convert", message).with_code(codes::FAILED_TO_PARSE));
            }
        },
    };
    convert_to("$convert", value, target)
}

fn convert_to(name: &str, value: Option<&Value>, target: Target) -> Outcome {
    let Some(value) = value else { return Ok(Some(Value::Null)) };
    if matches!(value, Value::Null) {
        return Ok(Some(Value::Null));
    }
    let converted = match target {
        Target::Bool => Some(Value::Bool(is_true(Some(value)))),
        Target::String => text_of(value).map(Value::String),
        Target::Double => double_of(value).map(Value::number),
        // MongoDB's table of conversions has no date to int.
        Target::Int if matches!(value, Value::Date(_)) => None,
        Target::Int => whole_of(value).and_then(|value| i32::try_from(value).ok()).map(Value::Int),
        Target::Long => whole_of(value).map(Value::Long),
        Target::Date => date_of(value)
            .filter(|millis| millis.unsigned_abs() <= crate::document::value::MAX_DATE)
            .map(Value::Date),
        Target::ObjectId => match value {
            Value::ObjectId(id) => Some(Value::ObjectId(*id)),
            Value::String(hex) => id::object_id_from_hex(hex).map(Value::ObjectId),
            _ => None,
        },
    };
    match converted {
        Some(value) => Ok(Some(value)),
        None => {
            let shown = match value {
                Value::String(text) => format!("the string '{text}'"),
                Value::Array(_) | Value::Object(_) => format!("a value of type {}", value.type_name()),
                other => text_of(other).unwrap_or_else(|| other.type_name().to_owned()),
            };
            let to = format!("{target:?}").to_lowercase();
            Err(refuse(
                name,
                format!("cannot convert {shown} to {to}; $convert with onError takes another value then"),
            ))
        }
    }
}

/// The text of a scalar; `None` for other values.
pub(in crate::query) fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Long(value) => value.to_string(),
        Value::Double(value) => double_text(*value),
        Value::Date(millis) => format::standard(*millis),
        Value::ObjectId(id) => id::object_id_to_hex(id),
        _ => return None,
    })
}

/// The text of a number as in JavaScript.
fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((front, back)) if !back.starts_with('-') => format!("{front}e+{back}"),
            _ => text,
        };
    }
    value.to_string()
}

fn double_of(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Date(millis) => Some(*millis as f64),
        Value::String(text) => {
            let plain = !text.is_empty() && !text.contains(char::is_whitespace) && !text.starts_with("0x");
            text.parse().ok().filter(|_| plain)
        }
        other => Num::of(other).map(Num::as_f64),
    }
}

fn whole_of(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Int(value) => Some(i64::from(*value)),
        Value::Long(value) => Some(*value),
        Value::Double(value) if value.trunc().abs() < 9_223_372_036_854_775_808.0 => {
            Some(value.trunc() as i64)
        }
        Value::Date(millis) => Some(*millis),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn date_of(value: &Value) -> Option<i64> {
    match value {
        Value::Date(millis) => Some(*millis),
        Value::ObjectId(id) => Some(id::object_id_time(id)),
        Value::String(text) => date::read(text).and_then(|written| written.instant(&Zone::UTC)),
        Value::Int(_) | Value::Long(_) | Value::Double(_) => whole_of(value),
        _ => None,
    }
}
