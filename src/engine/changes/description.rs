//! What an event says of an update: the changed paths, and their values.

use crate::document::changes::{Changes, Effect, Named, resolve};
use crate::document::{RawValue, Value};

/// `updateDescription`: `{ updatedFields, removedFields, truncatedArrays }`. With `expanded` also `disambiguatedPaths`, the parts of paths that
/// dots alone do not tell. `None` where the bytes are no changes of this document.
pub(super) fn description(document: RawValue<'_>, changes: &[u8], expanded: bool) -> Option<Value> {
    let (mut updated, mut removed, mut truncated) = (Vec::new(), Vec::new(), Vec::new());
    let mut ambiguous = Vec::new();
    for change in Changes::new(changes) {
        let (effect, steps) = change?;
        let (names, value) = resolve(document, &steps)?;
        let path = joined(&names);
        if expanded && is_ambiguous(&names) {
            ambiguous.push((path.clone(), Value::Array(names.iter().map(part).collect())));
        }
        match effect {
            Effect::Set => updated.push((path, value?.to_value())),
            Effect::Unset => removed.push(Value::String(path)),
            Effect::Truncated(len) => truncated.push(Value::Object(vec![
                ("field".to_owned(), Value::String(path)),
                ("newSize".to_owned(), Value::number(len as f64)),
            ])),
        }
    }
    let mut fields = vec![
        ("updatedFields".to_owned(), Value::Object(updated)),
        ("removedFields".to_owned(), Value::Array(removed)),
        ("truncatedArrays".to_owned(), Value::Array(truncated)),
    ];
    if expanded {
        fields.push(("disambiguatedPaths".to_owned(), Value::Object(ambiguous)));
    }
    Some(Value::Object(fields))
}

fn joined(names: &[Named<'_>]) -> String {
    let mut path = String::new();
    for (n, name) in names.iter().enumerate() {
        if n > 0 {
            path.push('.');
        }
        match name {
            Named::Field(name) => path.push_str(name),
            Named::Element(place) => path.push_str(&place.to_string()),
        }
    }
    path
}

fn part(name: &Named<'_>) -> Value {
    match name {
        Named::Field(name) => Value::String((*name).to_owned()),
        Named::Element(place) => Value::number(*place as f64),
    }
}

/// Whether a field has a dot in its name, or looks like the place of an element.
fn is_ambiguous(names: &[Named<'_>]) -> bool {
    names.iter().any(|name| match name {
        Named::Field(name) => name.contains('.') || name.parse::<u64>().is_ok(),
        Named::Element(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::changes::{Step, write};
    use crate::document::{Shapes, encode_plain};

    #[test]
    fn paths_are_told_with_dots_and_what_dots_do_not_tell_apart() {
        let inner = Value::Object(vec![("0".to_owned(), Value::Int(5)), ("x.y".to_owned(), Value::Int(6))]);
        let list = Value::Array(vec![Value::Int(1), Value::Int(2)]);
        let document = Value::Object(vec![("a".to_owned(), inner), ("list".to_owned(), list)]);
        let mut bytes = Vec::new();
        encode_plain(&document, &mut bytes);
        let mut changes = Vec::new();
        write(&mut changes, Effect::Set, &[Step::Place(0), Step::Place(0)]);
        write(&mut changes, Effect::Set, &[Step::Place(1), Step::Place(1)]);
        write(&mut changes, Effect::Unset, &[Step::Name("gone")]);
        write(&mut changes, Effect::Truncated(2), &[Step::Place(1)]);
        let told = description(RawValue::new(&bytes, Shapes::none()), &changes, true).unwrap();
        let shown = format!("{told:?}");
        for part in [
            r#"("a.0", Int(5))"#,
            r#"("list.1", Int(2))"#,
            r#"[String("gone")]"#,
            r#"("newSize", Int(2))"#,
            r#"("a.0", Array([String("a"), String("0")]))"#,
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(description(RawValue::new(&bytes, Shapes::none()), &[3, 9], false).is_none());
    }
}
