//! Stages against plain loops over trees.

use std::sync::Arc;

use proptest::prelude::*;

use super::row::Listed;
use super::tests::{Lists, run_on};
use super::{Access, Pipeline, Row};
use crate::document::order::compare_values;
use crate::document::{Object, Value};
use crate::query::expression::Env;
use crate::query::testing::{encode, value};
use crate::query::{Filter, Projection};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        (-3..3).prop_map(Value::Int),
        (-3..3_i64).prop_map(Value::Long),
        (-6..6).prop_map(|n| Value::number(f64::from(n) / 2.0)),
        "[ab]{0,2}".prop_map(Value::String),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        3 => scalar().prop_map(Some),
        1 => proptest::collection::vec(scalar(), 0..3).prop_map(|items| Some(Value::Array(items))),
        1 => scalar().prop_map(|one| Some(Value::Array(vec![Value::Object(vec![("x".to_owned(), one)])]))),
        1 => scalar().prop_map(|one| Some(Value::Object(vec![("x".to_owned(), one)]))),
        1 => Just(None),
    ];
    proptest::collection::vec(field, 3).prop_map(|fields| {
        let names = ["k", "v", "w"];
        let named = names.into_iter().zip(fields).filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(named.collect::<Object>())
    })
}

fn get<'v>(document: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Object(fields) = document else { return None };
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn lists_of(documents: &[Value]) -> Arc<Lists> {
    let lists = Lists::default();
    lists.0.lock().unwrap().insert("docs".to_owned(), documents.to_vec());
    Arc::new(lists)
}

/// The projections of a field.
fn said() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("1"),
        Just("0"),
        Just(r#""$k""#),
        Just(r#""$w.x""#),
        Just(r#""text""#),
        Just(r#"{"$ifNull": ["$v", 7]}"#),
        Just(r#"{"x": 1}"#),
        Just(r#"{"y": "$v"}"#)
    ]
}

proptest! {
    #[test]
    fn projections_of_find_are_those_of_the_stage(
        document in document(),
        spec in proptest::collection::btree_map("_id|[kvwn](\\.[xy])?", said(), 1..4),
    ) {
        let fields: Vec<String> = spec.iter().map(|(path, said)| format!("{path:?}: {said}")).collect();
        let spec = format!("{{{}}}", fields.join(", "));
        let found = Projection::parse(encode(&value(&spec)).raw());
        let stage = run_on(&lists_of(std::slice::from_ref(&document)), &value(&format!(r#"[{{"$project": {spec}}}]"#)));
        match (found, stage) {
            (Ok(Some(found)), Ok(stage)) => {
                prop_assert_eq!(vec![found.apply(encode(&document).raw(), &Filter::all()).unwrap()], stage, "{}", spec);
            }
            (Err(_), Err(_)) => {}
            (found, stage) => panic!("{spec}: {found:?} in find, {stage:?} as a stage"),
        }
    }

    #[test]
    fn groups_are_those_of_a_plain_loop(documents in proptest::collection::vec(document(), 0..12)) {
        let found = run_on(&lists_of(&documents), &value(
            r#"[{"$group": {"_id": "$k", "n": {"$sum": 1}, "all": {"$push": "$v"}, "least": {"$min": "$v"}}}]"#)).unwrap();
        let mut groups: Vec<(Value, i32, Vec<Value>)> = Vec::new();
        for document in &documents {
            let key = get(document, "k").cloned().unwrap_or(Value::Null);
            let at = groups.iter().position(|(other, _, _)| compare_values(other, &key).is_eq()).unwrap_or_else(|| {
                groups.push((key, 0, Vec::new()));
                groups.len() - 1
            });
            groups[at].1 += 1;
            groups[at].2.extend(get(document, "v").cloned());
        }
        let expected: Vec<Value> = groups.into_iter().map(|(key, n, all)| {
            let present = all.iter().filter(|value| !matches!(value, Value::Null));
            let least = present.min_by(|a, b| compare_values(a, b)).cloned().unwrap_or(Value::Null);
            let fields = [("_id", key), ("n", Value::Int(n)), ("all", Value::Array(all)), ("least", least)];
            Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        }).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn groups_read_from_bytes_are_those_of_trees(
        documents in proptest::collection::vec(document(), 0..12), key in prop_oneof![
            Just(r#""$k""#), Just(r#""$k.x""#), Just("null"), Just(r#"{"a": "$k", "b": "$w.x", "c": 1}"#)],
        operand in prop_oneof![Just(r#""$v""#), Just(r#""$v.x""#), Just("2")],
    ) {
        let group = format!(
            r#"{{"$group": {{"_id": {key}, "s": {{"$sum": {operand}}}, "a": {{"$avg": {operand}}}, "l": {{"$min": {operand}}}, "g": {{"$max": {operand}}}}}}}"#);
        let stages = value(&format!("[{group}]"));
        let fast = run_on(&lists_of(&documents), &stages).unwrap();
        let pipeline = Pipeline::parse(encode(&stages).raw()).unwrap();
        let access: Arc<dyn Access> = lists_of(&[]);
        let trees = Listed::boxed(documents.iter().cloned().map(Row::Tree).collect());
        let mut rows = pipeline.over(trees, &Arc::new(Env::default()), &access).unwrap();
        let mut slow = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            slow.push(row.into_value());
        }
        prop_assert_eq!(fast, slow);
    }

    #[test]
    fn a_sort_with_a_limit_is_the_front_of_the_whole_sort(
        documents in proptest::collection::vec(document(), 0..12), skip in 0..4_i32, limit in 1..6_i32,
    ) {
        let sort = r#"{"$sort": {"k": 1, "v": -1}}"#;
        let whole = run_on(&lists_of(&documents), &value(&format!("[{sort}]")));
        let front = run_on(&lists_of(&documents), &value(&format!(r#"[{sort}, {{"$skip": {skip}}}, {{"$limit": {limit}}}]"#)));
        // Parallel arrays have no order, wherever the document would sort.
        let is_array = |document: &Value, key| matches!(get(document, key), Some(Value::Array(_)));
        let parallel = documents.iter().any(|one| is_array(one, "k") && is_array(one, "v"));
        prop_assert_eq!((whole.is_err(), front.is_err()), (parallel, parallel));
        let (Ok(whole), Ok(front)) = (whole, front) else { return Ok(()) };
        let expected: Vec<Value> = whole.iter().skip(skip as usize).take(limit as usize).cloned().collect();
        prop_assert_eq!(front, expected);
        prop_assert_eq!(whole.len(), documents.len());
    }

    #[test]
    fn unwinding_is_a_plain_loop(documents in proptest::collection::vec(document(), 0..8), preserve in any::<bool>()) {
        let stage = format!(r#"[{{"$unwind": {{"path": "$v", "preserveNullAndEmptyArrays": {preserve}}}}}, {{"$project": {{"v": 1}}}}]"#);
        let found = run_on(&lists_of(&documents), &value(&stage)).unwrap();
        let mut expected = Vec::new();
        for document in &documents {
            let made = |value: Option<&Value>| Value::Object(value.map(|value| ("v".to_owned(), value.clone())).into_iter().collect());
            match get(document, "v") {
                Some(Value::Array(items)) if !items.is_empty() => expected.extend(items.iter().map(|item| made(Some(item)))),
                Some(Value::Array(_)) | None if preserve => expected.push(made(None)),
                Some(Value::Null) if preserve => expected.push(made(Some(&Value::Null))),
                Some(Value::Array(_) | Value::Null) | None => {}
                Some(other) => expected.push(made(Some(other))),
            }
        }
        prop_assert_eq!(found, expected);
    }
}
