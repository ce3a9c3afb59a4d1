//! Which values may be an `_id`, the default `_id` of a document, and ObjectIds as text.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::document::encoding::encode::encode_plain;
use crate::document::encoding::raw::{RawKind, RawValue};
use crate::document::value::Value;
use crate::error::{Details, Error, Kind, Result, codes};

/// Largest encoded `_id`, in bytes.
pub const MAX_ID: usize = 1024;

/// Refuses, with `BAD_DOCUMENT`, a value that cannot be an `_id`: an array, or more than [`MAX_ID`] bytes.
pub fn check_id(id: RawValue<'_>) -> Result<()> {
    if matches!(id.kind(), RawKind::Array(_)) {
        return Err(bad_id("`_id` is an array; use a string, a number, an ObjectId or an object".into()));
    }
    let len = id.bytes().len();
    if len > MAX_ID {
        return Err(bad_id(format!("`_id` takes {len} bytes encoded; it may take {MAX_ID}")));
    }
    Ok(())
}

/// The same for the `_id` of a document that is written, in which, as on MongoDB's server, no name begins with `$`: to a filter it would be an
/// operator. The names of a DBRef may.
pub fn check_new_id(id: RawValue<'_>) -> Result<()> {
    check_id(id)?;
    let Some(name) = operator_in(id) else { return Ok(()) };
    let message = format!("`_id` has the name '{name}'; no name in an _id may begin with '$'");
    Err(bad_id(message).with_code(codes::DOLLAR_PREFIXED_FIELD_NAME))
}

/// The first name in a value that begins with `$` and is not of a DBRef: `$ref`, `$id` and perhaps `$db` before all others.
fn operator_in<'a>(value: RawValue<'a>) -> Option<&'a str> {
    let object = match value.kind() {
        RawKind::Object(object) => object,
        RawKind::Array(array) => return array.iter().find_map(operator_in),
        _ => return None,
    };
    let is_reference = matches!(object.iter().nth(1), Some(("$id", _)));
    for (at, (name, field)) in object.iter().enumerate() {
        let is_text = matches!(field.kind(), RawKind::String(_));
        let is_allowed = match (at, name) {
            (0, "$ref") => is_reference && is_text,
            (1, "$id") => object.get("$ref").is_some(),
            (2, "$db") => is_reference && is_text,
            _ => !name.starts_with('$'),
        };
        if !is_allowed {
            return Some(name);
        }
        let inner = operator_in(field);
        if inner.is_some() {
            return inner;
        }
    }
    None
}

/// What an error tells of an `_id` that another document has.
pub fn taken(id: &Value) -> Details {
    let encode = |value: Value| {
        let mut bytes = Vec::new();
        encode_plain(&Value::Object(vec![("_id".to_owned(), value)]), &mut bytes);
        Some(bytes)
    };
    Details { key_pattern: encode(Value::Int(1)), key_value: encode(id.clone()), ..Details::default() }
}

/// A UUID of version 7, which is ordered by its time. The caller supplies the random bytes.
pub fn uuid_v7(millis: u64, random: [u8; 10]) -> String {
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

/// The 24 hexadecimal digits of an ObjectId, in lower case.
pub fn object_id_to_hex(id: &[u8; 12]) -> String {
    HEXLOWER.encode(id)
}

/// Reads the digits of an ObjectId, in upper or lower case.
pub fn object_id_from_hex(text: &str) -> Option<[u8; 12]> {
    let digits: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let mut id = [0; 12];
    HEXLOWER_PERMISSIVE.decode_mut(digits, &mut id).ok()?;
    Some(id)
}

/// The timestamp of an ObjectId, in milliseconds since 1970; its resolution is a second.
pub fn object_id_time(id: &[u8; 12]) -> i64 {
    let [a, b, c, d, ..] = *id;
    i64::from(u32::from_be_bytes([a, b, c, d])) * 1_000
}

#[cold]
fn bad_id(message: String) -> Error {
    Error::new(Kind::BadDocument, message)
        .with_details(Details { path: Some("_id".into()), ..Details::default() })
        .with_code(codes::INVALID_ID_FIELD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Shapes, Value, encode_plain};

    fn check(value: &Value) -> Result<()> {
        let mut bytes = Vec::new();
        encode_plain(value, &mut bytes);
        check_id(RawValue::new(&bytes, &Shapes::new()))
    }

    #[test]
    fn all_but_arrays_may_be_an_id() {
        let object = Value::Object(vec![("a".into(), Value::Array(vec![]))]);
        for id in [Value::Null, Value::Int(1), Value::Double(f64::NAN), Value::String("x".into()), object] {
            check(&id).unwrap();
        }
        let error = check(&Value::Array(vec![])).unwrap_err();
        assert_eq!(error.kind(), Kind::BadDocument);
        assert_eq!(error.details().path.as_deref(), Some("_id"));
        assert!(error.message().contains("array"));
    }

    #[test]
    fn no_name_in_a_new_id_begins_with_a_dollar_but_those_of_a_reference() {
        let object = |names: &[&str]| {
            Value::Object(names.iter().map(|name| ((*name).to_owned(), Value::String("x".into()))).collect())
        };
        let check_new = |value: &Value| {
            let mut bytes = Vec::new();
            encode_plain(value, &mut bytes);
            check_new_id(RawValue::new(&bytes, &Shapes::new()))
        };
        let within = |value: Value| Value::Object(vec![("a".into(), Value::Array(vec![value]))]);
        for names in [&["a", "b$"][..], &["$ref", "$id"], &["$ref", "$id", "$db", "a"], &["$ref", "$id", "a"]]
        {
            check_new(&object(names)).unwrap();
            check_new(&within(object(names))).unwrap();
        }
        for names in [
            &["$a"][..],
            &["a", "$b"],
            &["$ref"],
            &["$id"],
            &["a", "$ref", "$id"],
            &["$ref", "$id", "$x"],
            &["x", "$id"],
        ] {
            for id in [object(names), within(object(names))] {
                let error = check_new(&id).unwrap_err();
                assert_eq!(
                    (error.kind(), error.code()),
                    (Kind::BadDocument, Some(codes::DOLLAR_PREFIXED_FIELD_NAME)),
                    "{names:?}"
                );
                check(&id).unwrap();
            }
        }
    }

    #[test]
    fn an_id_has_a_limit() {
        check(&Value::String("x".repeat(MAX_ID - 3))).unwrap();
        let error = check(&Value::String("x".repeat(MAX_ID - 2))).unwrap_err();
        assert!(error.message().contains("1025"), "{error}");
    }

    #[test]
    fn default_ids_are_ordered_by_time() {
        let id = uuid_v7(0x0123_4567_89ab, [0xff; 10]);
        assert_eq!(id, "01234567-89ab-7fff-bfff-ffffffffffff");
        assert!(uuid_v7(1, [0xff; 10]) < uuid_v7(2, [0; 10]));
    }

    #[test]
    fn an_id_comes_back_from_its_digits_in_either_case() {
        let id = [0, 1, 0x2f, 0xff, 0xa0, 0x0a, 6, 7, 8, 9, 10, 0xcd];
        assert_eq!(object_id_to_hex(&id), "00012fffa00a060708090acd");
        assert_eq!(object_id_from_hex("00012fffa00a060708090acd"), Some(id));
        assert_eq!(object_id_from_hex("00012FFFa00a060708090aCD"), Some(id));
    }

    #[test]
    fn other_lengths_and_digits_are_refused() {
        for text in [
            "",
            "00012fffa00a060708090ac",
            "00012fffa00a060708090acd0",
            "00012fffa00a060708090acg",
            "+0012fffa00a060708090acd",
        ] {
            assert_eq!(object_id_from_hex(text), None, "{text}");
        }
    }
}
