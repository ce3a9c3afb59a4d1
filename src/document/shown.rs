//! Values as text for messages.

use data_encoding::HEXUPPER;

use super::{Value, id};

/// The value as MongoDB prints it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Double(number) if number.is_infinite() => {
            if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Value::Double(number) if number.abs() < 1e21 => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::String(text) => serde_json::to_string(text).unwrap_or_else(|_| format!("{text:?}")),
        Value::Binary(bytes) => format!("BinData(0, {})", HEXUPPER.encode(bytes)),
        Value::ObjectId(id) => format!("ObjectId('{}')", id::object_id_to_hex(id)),
        Value::Date(time) => format!("new Date({time})"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[ {} ]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printed_as_mongodb_prints_it() {
        let value = Value::Object(vec![
            ("text".to_owned(), Value::String("say \"hi\"\n".to_owned())),
            ("numbers".to_owned(), Value::Array(vec![Value::Int(1), Value::Double(-0.5), Value::Long(7)])),
            ("far".to_owned(), Value::Double(f64::NEG_INFINITY)),
            ("time".to_owned(), Value::Date(-1)),
            ("bytes".to_owned(), Value::Binary(vec![0, 0xab])),
            ("id".to_owned(), Value::ObjectId([0xcd; 12])),
            ("none".to_owned(), Value::Null),
        ]);
        let expected = r#"{ text: "say \"hi\"\n", numbers: [ 1, -0.5, 7 ], far: -Infinity, time: new Date(-1), bytes: BinData(0, 00AB), id: ObjectId('cdcdcdcdcdcdcdcdcdcdcdcd'), none: null }"#;
        assert_eq!(shown(&value), expected);
    }
}
