//! The size of a tree, without encoding it: exactly in the stored form, because a result may be as large as a stored
//! document; and approximately in a message.

use crate::document::shapes::staged::is_worth_a_shape;
use crate::document::value::Value;

/// Bytes of a value in the stored form, where each object that may have a shape has one. Recursion is bounded by the depth of the
/// value.
pub(crate) fn encoded_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Int(value) => match value {
            -32..=0x7f => 1,
            -0x80..=0xff => 2,
            -0x8000..=0xffff => 3,
            _ => 5,
        },
        Value::Double(_) | Value::Long(_) => 9,
        Value::Date(_) => 10,
        Value::ObjectId(_) => 15,
        Value::String(text) => string(text),
        Value::Binary(bytes) => bytes.len() + if bytes.len() <= 0xff { 2 } else { head(bytes.len()) },
        Value::Array(items) => head(items.len()) + items.iter().map(encoded_len).sum::<usize>(),
        Value::Object(fields) => {
            let values: usize = fields.iter().map(|(_, value)| encoded_len(value)).sum();
            let keys = || fields.iter().map(|(key, _)| key.as_str());
            let names = if is_worth_a_shape(keys()) {
                3
            } else {
                head(fields.len()) + keys().map(string).sum::<usize>()
            };
            names + values
        }
    }
}

/// Levels of nesting in a value: 0 for scalars. Recursion is bounded by `MAX_DEPTH`, which inputs keep.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// About how many bytes a document takes in a message to JavaScript.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Binary(bytes) => bytes.len() + 2,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 2,
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| key.len() + weight(value) + 2).sum::<usize>() + 2
        }
        _ => 9,
    }
}

fn string(text: &str) -> usize {
    text.len()
        + match text.len() {
            0..=31 => 1,
            32..=0xff => 2,
            len => head(len),
        }
}

/// The lead and length of a string, array or map.
fn head(len: usize) -> usize {
    match len {
        0..=15 => 1,
        16..=0xffff => 3,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::Shapes;
    use crate::document::StagedShapes;
    use crate::document::encode;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            prop_oneof![any::<i32>(), -40_000..70_000, -200..300].prop_map(Value::Int),
            Just(Value::Double(1.5)),
            any::<i64>().prop_map(Value::Long),
            Just(Value::Date(5)),
            Just(Value::ObjectId([7; 12])),
            prop_oneof![0..40_usize, 250..260_usize, 65_530..65_540_usize]
                .prop_map(|len| Value::String("x".repeat(len))),
            prop_oneof![0..40_usize, 250..260_usize, 65_530..65_540_usize]
                .prop_map(|len| Value::Binary(vec![1; len])),
        ];
        leaf.prop_recursive(4, 60, 20, |inner| {
            let fields =
                prop::collection::btree_map(prop_oneof!["[a-z]{1,5}", "[a-z]{60,140}"], inner.clone(), 0..20);
            prop_oneof![
                prop::collection::vec(inner, 0..20).prop_map(Value::Array),
                fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_length_is_that_of_the_encoding(value in value()) {
            let (shapes, mut bytes) = (Shapes::new(), Vec::new());
            encode(&value, &mut StagedShapes::new(&shapes), &mut bytes);
            prop_assert_eq!(encoded_len(&value), bytes.len());
        }
    }
}
