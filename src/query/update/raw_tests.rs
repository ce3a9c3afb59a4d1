//! Updates on stored bytes against updates on trees.

use crate::document::{MAX_DOCUMENT, RawValue, Value};
use crate::query::testing::{encoded, object, stored, value};
use crate::query::{Rewrite, Update, UpdateTarget};
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000_000;

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3..300i32).prop_map(Value::Int),
        any::<i32>().prop_map(Value::Int),
        prop_oneof![Just(i32::MAX), Just(i32::MIN), Just(i32::MAX - 1)].prop_map(Value::Int),
        prop_oneof![Just(0.5), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY), Just(2_147_483_648.0)]
            .prop_map(Value::number),
        prop_oneof![Just(i64::MAX), Just(i64::MIN), -3..3i64].prop_map(Value::Long),
        "[a-c]{0,40}".prop_map(Value::String),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(Value::Binary),
        (-3..3i64).prop_map(Value::Date),
        Just(Value::Date(i64::MAX)),
        any::<u8>().prop_map(|byte| Value::ObjectId([byte; 12])),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let nested = || proptest::collection::vec(any_scalar(), 0..3);
    prop_oneof![
        8 => any_scalar(),
        1 => nested().prop_map(Value::Array),
        1 => nested().prop_map(|items| {
            Value::Object(items.into_iter().enumerate().map(|(n, item)| (format!("k{n}"), item)).collect())
        }),
    ]
}

fn any_document() -> impl Strategy<Value = Value> {
    proptest::collection::vec(any_value(), 0..6).prop_map(|values| {
        let names = ["_id", "a", "b", "c", "d", "e"];
        Value::Object(names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value)).collect())
    })
}

fn any_update() -> impl Strategy<Value = Value> {
    let operator = prop_oneof![
        3 => Just("$set"), 3 => Just("$inc"), 1 => Just("$mul"), 1 => Just("$min"), 1 => Just("$max"),
        1 => Just("$setOnInsert"), 1 => Just("$currentDate"), 1 => Just("$bit"), 1 => Just("$unset"),
    ];
    let field = prop_oneof![
        12 => prop_oneof![Just("a"), Just("b"), Just("c"), Just("d"), Just("e")],
        1 => Just("_id"), 1 => Just("z"), 1 => Just("c.k0"),
    ];
    let operand = prop_oneof![2 => any_value(), 1 => (-3..3i32).prop_map(Value::Int)];
    proptest::collection::vec((operator, field, operand), 1..4).prop_map(|changes| {
        let mut update: Vec<(String, Value)> = Vec::new();
        for (operator, field, operand) in changes {
            let operand = match operator {
                "$currentDate" => Value::Bool(true),
                "$bit" => Value::Object(vec![("xor".to_owned(), operand)]),
                _ => operand,
            };
            let entry = (field.to_owned(), operand);
            match update.iter_mut().find(|(known, _)| known == operator) {
                Some((_, Value::Object(fields))) if fields.iter().any(|(known, _)| known == field) => {}
                Some((_, Value::Object(fields))) => fields.push(entry),
                _ => update.push((operator.to_owned(), Value::Object(vec![entry]))),
            }
        }
        Value::Object(update)
    })
}

fn parsed(update: &Value) -> crate::error::Result<Update> {
    let (shapes, bytes) = stored(std::slice::from_ref(update), |_| true);
    Update::parse(RawValue::new(&bytes[0], &shapes), None)
}

/// The new bytes, and the result of the rewrite.
fn rewritten(update: &Update, document: &Value, as_map: bool) -> (Rewrite, Vec<u8>, Value) {
    let (shapes, bytes) = stored(std::slice::from_ref(document), |_| as_map);
    let mut out = vec![0xc0];
    let how = update.rewrite(RawValue::new(&bytes[0], &shapes), NOW, &mut out, &mut Vec::new());
    let after = RawValue::new(&out[1..], &shapes).to_value();
    (how, out.split_off(1), after)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn bytes_change_as_the_tree_does(document in any_document(), update in any_update()) {
        let Ok(update) = parsed(&update) else { return Ok(()) };
        let Value::Object(mut tree) = document.clone() else { unreachable!() };
        let expected = update.apply(&mut tree, NOW, UpdateTarget::Existing, None);
        let (how, bytes, after) = rewritten(&update, &document, false);
        match how {
            Rewrite::Tree => {}
            Rewrite::Same => prop_assert!(!expected.unwrap() && Value::Object(tree) == document),
            Rewrite::Changed => {
                prop_assert!(expected.unwrap());
                let tree = Value::Object(tree);
                prop_assert_eq!(&after, &tree);
                let (_, packed) = stored(&[document, tree], |_| false);
                prop_assert_eq!(&bytes, &packed[1]);
            }
        }
    }
}

#[test]
fn scalars_of_the_document_itself_are_changed_on_bytes() {
    let document = value(r#"{"_id":1,"a":127,"b":"x","c":[1],"d":{"$date": {"$numberLong": "5"}}}"#);
    let cases = [
        (r#"{"$inc":{"a":1}}"#, Rewrite::Changed),
        (r#"{"$set":{"b":"longer than it was before this","a":0.5}}"#, Rewrite::Changed),
        (
            r#"{"$set":{"a":127},"$max":{"d":{"$date": {"$numberLong": "5"}}},"$setOnInsert":{"z":1}}"#,
            Rewrite::Same,
        ),
        (r#"{"$set":{}}"#, Rewrite::Same),
        (r#"{"$inc":{"b":1}}"#, Rewrite::Tree),
        (r#"{"$inc":{"z":1}}"#, Rewrite::Tree),
        (r#"{"$set":{"c":1}}"#, Rewrite::Tree),
        (r#"{"$set":{"a":[1]}}"#, Rewrite::Tree),
        (r#"{"$set":{"_id":1}}"#, Rewrite::Tree),
        (r#"{"$set":{"c.0":1}}"#, Rewrite::Tree),
        (r#"{"$unset":{"a":1}}"#, Rewrite::Tree),
    ];
    for (update, how) in cases {
        let parsed = Update::parse(encoded(update).raw(), None).unwrap();
        let (found, _, after) = rewritten(&parsed, &document, false);
        assert_eq!(found, how, "{update}");
        if how == Rewrite::Changed {
            let mut tree = object(r#"{"_id":1,"a":127,"b":"x","c":[1],"d":{"$date": {"$numberLong": "5"}}}"#);
            parsed.apply(&mut tree, NOW, UpdateTarget::Existing, None).unwrap();
            assert_eq!(after, Value::Object(tree), "{update}");
        }
        assert_eq!(rewritten(&parsed, &document, true).0, Rewrite::Tree, "{update} of a map");
    }
}

#[test]
fn what_would_grow_too_large_is_left_to_the_tree() {
    let document = value(r#"{"_id":1,"a":1}"#);
    let text = Value::String("x".repeat(MAX_DOCUMENT));
    let update = Value::Object(vec![("$set".into(), Value::Object(vec![("a".into(), text)]))]);
    assert_eq!(rewritten(&parsed(&update).unwrap(), &document, false).0, Rewrite::Tree);
}
