use proptest::prelude::*;

use super::*;
use crate::document::{Object, RawValue, Shapes, Value, encode_plain};

fn written(value: &Value) -> Result<Vec<u8>, String> {
    let (mut stored, mut out) = (Vec::new(), Vec::new());
    encode_plain(value, &mut stored);
    write(RawValue::new(&stored, &Shapes::new()), &mut out).map(|()| out)
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::number),
        any::<i64>().prop_map(Value::Long),
        ".{0,8}".prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Binary),
        any::<[u8; 12]>().prop_map(Value::ObjectId),
        (-8_640_000_000_000_000_i64..=8_640_000_000_000_000).prop_map(Value::Date),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map("[^\0]{0,5}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(fields in prop::collection::btree_map("[^\0]{0,5}", any_value(), 0..6)) {
        let value = Value::Object(fields.into_iter().collect::<Object>());
        let bytes = written(&value).unwrap();
        prop_assert_eq!(length(&bytes), Ok(bytes.len()));
        prop_assert_eq!(document(&bytes), Ok(value));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = document(&bytes);
    }

    #[test]
    fn no_changed_byte_and_no_cut_panics(value in any_value(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = written(&object(&[("a", value)])).unwrap();
        let place = at.index(bytes.len());
        if cut {
            bytes.truncate(place);
            prop_assert!(document(&bytes).is_err());
        } else {
            bytes[place] = byte;
            let _ = document(&bytes);
        }
    }
}

#[test]
fn lengths_that_cannot_be_are_refused_before_anything_is_read() {
    for (bytes, reason) in [
        (&[][..], "ends after 0 bytes"),
        (&[4, 0, 0, 0], "4 bytes; a document has 5"),
        (&[0xff, 0xff, 0xff, 0xff], "-1 bytes"),
        (&[0xff, 0xff, 0xff, 0x7f], "2147483647 bytes"),
        (&[6, 0, 0, 0, 0], "6 bytes, and ends after 5"),
        (&[5, 0, 0, 0, 1], "does not end where its length says"),
        (&[12, 0, 0, 0, 0x02, b'a', 0, 0xff, 0xff, 0xff, 0x7f, 0], "2147483647 bytes, and 0 are left"),
        (&[12, 0, 0, 0, 0x05, b'a', 0, 0xff, 0xff, 0xff, 0xff, 0], "are left"),
    ] {
        let refused = document(bytes).unwrap_err();
        assert!(refused.message.contains(reason), "{refused:?}");
    }
}

#[test]
fn a_type_that_cannot_be_stored_is_named_with_its_path() {
    // {a: [{b: <type>}]} with nothing behind the type: the value is not read.
    for (of, name) in
        [(0x13, "Decimal128"), (0x0b, "regular expression"), (0x11, "timestamp"), (0x20, "0x20")]
    {
        let inner = [8, 0, 0, 0, of, b'b', 0, 0];
        let mut array = vec![16, 0, 0, 0, 0x03, b'0', 0];
        array.extend(inner);
        array.push(0);
        let mut bytes = vec![24, 0, 0, 0, 0x04, b'a', 0];
        bytes.extend(array);
        bytes.push(0);
        let refused = document(&bytes).unwrap_err();
        assert_eq!(refused.path, "a.0.b");
        assert!(refused.message.contains(name), "{refused:?}");
    }
}

#[test]
fn nesting_ends_at_the_limit_of_a_document() {
    let nested = |levels: usize| (1..levels).fold(object(&[]), |inner, _| object(&[("a", inner)]));
    let bytes = written(&nested(100)).unwrap();
    assert_eq!(document(&bytes), Ok(nested(100)));
    let mut deeper = vec![0, 0, 0, 0, 0x03, b'a', 0];
    deeper.extend(bytes);
    deeper.push(0);
    let length = u32::try_from(deeper.len()).unwrap().to_le_bytes();
    deeper[..4].copy_from_slice(&length);
    assert!(document(&deeper).unwrap_err().message.contains("deeper than 100"));
}

#[test]
fn a_key_with_a_zero_cannot_be_written() {
    let reason = written(&object(&[("ok", Value::Null), ("a\0b", Value::Int(1))])).unwrap_err();
    assert!(reason.contains("holds a zero"), "{reason}");
}

#[test]
fn a_document_that_is_longer_than_any_in_bson_is_not_written_to_its_end() {
    let many = Value::Array(vec![Value::Int(0); 8 << 20]);
    let reason = written(&object(&[("a", many)])).unwrap_err();
    assert!(reason.contains("more in BSON than"), "{reason}");
}
