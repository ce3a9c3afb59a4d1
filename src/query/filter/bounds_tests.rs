//! Bounds against the matcher: a document that matches has a value within them.

use proptest::prelude::*;

use super::bounds::{Bounds, Demands};
use crate::document::order::compare_values;
use crate::document::{Leaf, Path, RawValue, Value};
use crate::query::Filter;
use crate::query::property_tests::{any_value, document, path, scalar};
use crate::query::testing::{encode, encoded, value};

fn operator() -> impl Strategy<Value = (String, Value)> {
    let name = prop_oneof![
        Just("$eq"),
        Just("$gt"),
        Just("$gte"),
        Just("$lt"),
        Just("$lte"),
        Just("$ne"),
        Just("$exists"),
        Just("$contains"),
    ];
    let list = proptest::collection::vec(any_value(), 0..3).prop_map(Value::Array).boxed();
    let types = prop_oneof![
        Just(Value::String("null".to_owned())),
        Just(Value::String("number".to_owned())),
        Just(Value::Int(16)),
        Just(Value::Array(vec![Value::Int(2), Value::Int(4)])),
    ];
    let regex = prop_oneof![Just("^a"), Just("^a*b"), Just("^(a|b)"), Just("b$"), Just(r"^\x61b")];
    prop_oneof![
        6 => (name, any_value()).prop_map(|(name, value)| (name.to_owned(), value)),
        2 => list.clone().prop_map(|list| ("$in".to_owned(), list)),
        1 => list.prop_map(|list| ("$all".to_owned(), list)),
        1 => types.prop_map(|types| ("$type".to_owned(), types)),
        1 => (0..3).prop_map(|size| ("$size".to_owned(), Value::Int(size))),
        1 => regex.prop_map(|pattern| ("$regex".to_owned(), Value::String(pattern.to_owned()))),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    let operators = proptest::collection::vec(operator(), 1..3).prop_map(|all| {
        let mut fields: Vec<(String, Value)> = Vec::new();
        for (name, value) in all {
            if fields.iter().all(|(own, _)| *own != name) {
                fields.push((name, value));
            }
        }
        Value::Object(fields)
    });
    let plain = prop_oneof![2 => operators, 1 => scalar()];
    plain.prop_recursive(2, 4, 2, |inner| {
        let wrap = |name: &str, value: Value| Value::Object(vec![(name.to_owned(), value)]);
        prop_oneof![
            inner.clone().prop_map(move |one| wrap("$elemMatch", one)),
            (path(), inner.clone())
                .prop_map(move |(path, one)| wrap("$elemMatch", Value::Object(vec![(path, one)]))),
            inner.prop_map(move |one| wrap("$not", one)),
        ]
    })
}

fn filter() -> impl Strategy<Value = Value> {
    let one = (path(), condition()).prop_map(|(path, condition)| Value::Object(vec![(path, condition)]));
    one.prop_recursive(2, 8, 3, |inner| {
        let list = proptest::collection::vec(inner, 1..3).prop_map(Value::Array);
        (prop_oneof![Just("$and"), Just("$or"), Just("$nor")], list)
            .prop_map(|(name, list)| Value::Object(vec![(name.to_owned(), list)]))
    })
}

/// The values that an index on the path would contain.
fn visited(document: RawValue<'_>, path: &Path) -> (Vec<Value>, bool) {
    let (mut values, mut there) = (Vec::new(), false);
    path.walk(document, Leaf::Elements, &mut |value| {
        there |= value.is_some();
        values.push(value.map_or(Value::Null, |value| value.to_value()));
        false
    });
    if values.is_empty() {
        values.push(Value::Null);
    }
    (values, there)
}

fn hold(demands: &Demands<'_>, document: RawValue<'_>) -> bool {
    let field = |(path, bounds): &(std::borrow::Cow<'_, Path>, Bounds<'_>)| {
        let (values, there) = visited(document, path);
        (there || bounds.missing)
            && values.iter().any(|value| bounds.intervals.iter().any(|one| one.contains(value)))
    };
    demands.fields.iter().all(field)
        && demands.unions.iter().all(|union| union.iter().any(|branch| hold(branch, document)))
}

fn has_array(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(fields) => fields.iter().any(|(_, value)| has_array(value)),
        _ => false,
    }
}

fn parse(filter: &Value) -> Option<Filter> {
    Filter::parse(encode(filter).raw()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn a_matching_document_lies_within_the_bounds(
        documents in proptest::collection::vec(document(), 4), filter in filter(),
    ) {
        let Some(parsed) = parse(&filter) else { return Ok(()) };
        let demands = parsed.demands();
        for document in &documents {
            let bytes = encode(document);
            let matches = parsed.matches(bytes.raw());
            prop_assert!(!matches || hold(&demands, bytes.raw()), "{document:?} in {demands:?}");
            if has_array(document) {
                continue;
            }
            let exact = demands.fields.iter().all(|(_, bounds)| bounds.exact);
            if exact && !demands.more && demands.unions.is_empty() {
                prop_assert_eq!(matches, hold(&demands, bytes.raw()), "{:?} in {:?}", document, demands);
            }
            for (path, bounds) in &demands.fields {
                let (values, _) = visited(bytes.raw(), path);
                let same = demands.fields.iter().filter(|(other, _)| other == path);
                let all = same.fold(bounds.clone(), |all, (_, one)| all.and(one));
                let within = values.iter().any(|value| all.intervals.iter().any(|one| one.contains(value)));
                prop_assert!(!matches || within, "{document:?} in {all:?}");
            }
        }
    }

    #[test]
    fn what_a_filter_implies_holds_where_it_matches(
        documents in proptest::collection::vec(document(), 8),
        path in path(), given in condition(), wanted in condition(), other in filter(),
    ) {
        let field = |condition: &Value| Value::Object(vec![(path.clone(), condition.clone())]);
        for (given, wanted) in [(field(&given), field(&wanted)), (field(&given), other)] {
            let (Some(given), Some(wanted)) = (parse(&given), parse(&wanted)) else { continue };
            if given.implies(&wanted) {
                for document in &documents {
                    let bytes = encode(document);
                    prop_assert!(!given.matches(bytes.raw()) || wanted.matches(bytes.raw()), "{document:?}");
                }
            }
        }
    }

    #[test]
    fn intervals_ascend_and_are_disjoint(filter in condition()) {
        let whole = Value::Object(vec![("a".to_owned(), filter)]);
        let Some(parsed) = parse(&whole) else { return Ok(()) };
        for (_, bounds) in &parsed.demands().fields {
            for pair in bounds.intervals.windows(2) {
                if let (crate::query::Edge::Value(high, _), crate::query::Edge::Value(low, _)) = (&pair[0].high, &pair[1].low) {
                    prop_assert!(compare_values(high, low).is_le());
                }
            }
        }
    }
}

fn points(filter: &str, path: &str) -> Vec<String> {
    let parsed = parse(&value(filter)).unwrap();
    let demands = parsed.demands();
    let mut found = demands.fields.iter().filter(|(own, _)| own.to_string() == path);
    let bounds = found.next().map(|(_, bounds)| bounds.clone());
    bounds.map_or(Vec::new(), |bounds| bounds.intervals.iter().map(|one| format!("{one}")).collect())
}

#[test]
fn bounds_say_what_the_operators_say() {
    assert_eq!(points(r#"{"a": 5}"#, "a"), ["[5, 5]"]);
    assert_eq!(points(r#"{"a": {"$gt": 5}}"#, "a"), ["(5, Infinity]"]);
    assert_eq!(points(r#"{"a": {"$lte": "x"}}"#, "a"), [r#"["", "x"]"#]);
    assert_eq!(points(r#"{"a": {"$in": [3, 1, 1]}}"#, "a"), ["[1, 1]", "[3, 3]"]);
    assert_eq!(points(r#"{"a": {"$regex": "^ab"}}"#, "a"), [r#"["ab", "ac")"#]);
    assert_eq!(points(r#"{"a": {"$regex": "^ab*"}}"#, "a"), [r#"["a", "b")"#]);
    assert_eq!(points(r#"{"a": {"$regex": "^ab", "$options": "i"}}"#, "a"), [r#"["", {})"#]);
    assert_eq!(points(r#"{"a": {"$elemMatch": {"$gte": 2, "$lt": 4}}}"#, "a"), ["[2, 4)"]);
    assert_eq!(points(r#"{"a": {"$elemMatch": {"b": 1}}}"#, "a.b"), ["[1, 1]"]);
    assert_eq!(points(r#"{"$and": [{"a": 1}, {"b": {"$exists": false}}]}"#, "b"), ["[null, null]"]);
    assert_eq!(points(r#"{"a": {"$exists": true}}"#, "a"), ["[MinKey, MaxKey]"]);
}

#[test]
fn implications_that_partial_indexes_need_are_seen() {
    let implies =
        |given: &str, wanted: &str| parse(&value(given)).unwrap().implies(&parse(&value(wanted)).unwrap());
    assert!(implies(r#"{"a": 7, "b": 1}"#, r#"{"a": {"$gt": 5}}"#));
    assert!(implies(r#"{"a": {"$gt": 5}}"#, r#"{"a": {"$gte": 5}}"#));
    assert!(implies(r#"{"a": "x"}"#, r#"{"a": {"$type": "string"}}"#));
    assert!(implies(r#"{"a": "x"}"#, r#"{"a": {"$exists": true}}"#));
    assert!(implies(r#"{"s": "open", "a": 1}"#, r#"{"s": {"$in": ["open", "new"]}}"#));
    assert!(implies(r#"{"$or": [{"a": 1}, {"a": 2}]}"#, r#"{"a": {"$lt": 3}}"#));
    assert!(implies(r#"{"a": 1}"#, "{}"));
    assert!(!implies(r#"{"a": null}"#, r#"{"a": {"$exists": true}}"#));
    assert!(!implies(r#"{"a": {"$gte": 5}}"#, r#"{"a": {"$gt": 5}}"#));
    assert!(!implies(r#"{"b": 7}"#, r#"{"a": {"$gt": 5}}"#));
    assert!(!implies("{}", r#"{"a": 1}"#));
    assert!(!implies(r#"{"a": 1}"#, r#"{"a": {"$type": "int"}}"#));
    let found = encoded(r#"{"a": 1}"#);
    assert!(parse(&value(r#"{"a": 1}"#)).unwrap().matches(found.raw()));
}
