//! Which values may be an `_id`, the default `_id` of a document, and ObjectIds as text.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use crate::document::encoding::raw::{RawKind, RawValue};
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
