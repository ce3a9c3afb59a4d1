//! Filters, sorts and the order against naive oracles over trees.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::testing::encode;
use crate::document::order::{compare, compare_values};
use crate::document::{Object, Value};
use crate::query::schema::JsonSchema;
use crate::query::{Filter, Projection, Sort, Update, UpdateTarget};

pub(super) fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        (-1..3).prop_map(Value::Int),
        (-1..3i64).prop_map(Value::Long),
        Just(Value::Double(0.5)),
        Just(Value::Double(-0.0)),
        Just(Value::Double(f64::NAN)),
        prop_oneof![Just("a"), Just("b")].prop_map(|text| Value::String(text.into())),
        any::<bool>().prop_map(Value::Bool),
        (0..2i64).prop_map(Value::Date),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just("a"), 3 => Just("b"), 1 => Just("0"), 1 => Just("1")].prop_map(str::to_owned)
}

/// Distinct keys in any order.
fn fields(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Object> {
    proptest::collection::vec((key(), value), 0..4).prop_map(|fields| {
        let mut object = Object::new();
        for (key, value) in fields {
            if object.iter().all(|(own, _)| *own != key) {
                object.push((key, value));
            }
        }
        object
    })
}

pub(super) fn any_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            fields(inner).prop_map(Value::Object),
        ]
    })
}

pub(super) fn document() -> impl Strategy<Value = Value> {
    fields(any_value()).prop_map(Value::Object)
}

pub(super) fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(key(), 1..4).prop_map(|parts| parts.join("."))
}

fn operator() -> impl Strategy<Value = (String, Value)> {
    let comparison = prop_oneof![
        Just("$eq"),
        Just("$ne"),
        Just("$gt"),
        Just("$gte"),
        Just("$lt"),
        Just("$lte"),
        Just("$exists")
    ];
    let list = proptest::collection::vec(any_value(), 0..3).prop_map(Value::Array);
    prop_oneof![
        4 => (comparison, any_value()).prop_map(|(name, value)| (name.to_owned(), value)),
        1 => (prop_oneof![Just("$in"), Just("$nin")], list).prop_map(|(name, list)| (name.to_owned(), list)),
        1 => prop_oneof![Just("^A"), Just("b$"), Just("."), Just("[^a]")]
            .prop_map(|pattern| ("$regex".to_owned(), Value::String(pattern.to_owned()))),
        1 => scalar().prop_map(|value| ("$contains".to_owned(), value)),
    ]
}

fn operators() -> impl Strategy<Value = Value> {
    let plain = operator().prop_map(|operator| Value::Object(vec![operator]));
    let two = (operator(), operator()).prop_map(|(a, b)| {
        let mut both = vec![a];
        both.extend(Some(b).filter(|(name, _)| *name != both[0].0));
        Value::Object(both)
    });
    let negated = operator()
        .prop_map(|operator| Value::Object(vec![("$not".to_owned(), Value::Object(vec![operator]))]));
    prop_oneof![plain, two, negated]
}

pub(super) fn filter() -> impl Strategy<Value = Value> {
    let condition = (path(), prop_oneof![operators(), any_value()])
        .prop_map(|(path, condition)| Value::Object(vec![(path, condition)]));
    condition.prop_recursive(2, 8, 3, |inner| {
        let list = proptest::collection::vec(inner, 1..3).prop_map(Value::Array);
        (prop_oneof![Just("$and"), Just("$or"), Just("$nor")], list)
            .prop_map(|(name, list)| Value::Object(vec![(name.to_owned(), list)]))
    })
}

/// The values at a path, as a list: MongoDB's rule written literally.
fn reach<'a>(value: &'a Value, parts: &[&str], whole: bool, found: &mut Vec<Option<&'a Value>>) {
    match (value, parts) {
        (Value::Array(items), []) => {
            if !whole {
                found.extend(items.iter().map(Some));
            }
            found.push(Some(value));
        }
        (_, []) => found.push(Some(value)),
        (Value::Object(fields), [first, rest @ ..]) => match fields.iter().find(|(key, _)| key == first) {
            Some((_, value)) => reach(value, rest, whole, found),
            None => found.push(None),
        },
        (Value::Array(items), [first, rest @ ..]) => {
            for (n, item) in items.iter().enumerate() {
                if let Value::Object(_) = item {
                    reach(item, parts, whole, found);
                }
                if n.to_string() == **first {
                    match item {
                        _ if rest.is_empty() => found.push(Some(item)),
                        Value::Array(_) | Value::Object(_) => reach(item, rest, whole, found),
                        _ => {}
                    }
                }
            }
        }
        _ => found.push(None),
    }
}

fn class(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Int(_) | Value::Long(_) | Value::Double(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Binary(_) => 5,
        Value::ObjectId(_) => 6,
        Value::Bool(_) => 7,
        Value::Date(_) => 8,
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Double(number) if number.is_nan())
}

fn naive_operator(document: &Value, path: &str, operator: &str, operand: &Value) -> bool {
    let some = |test: &dyn Fn(&Value) -> bool| {
        let mut found = Vec::new();
        reach(document, &path.split('.').collect::<Vec<_>>(), false, &mut found);
        found.into_iter().any(|value| test(value.unwrap_or(&Value::Null)))
    };
    let ordered = |wanted: &[Ordering]| {
        some(&|value| {
            let order = compare_values(value, operand);
            let comparable =
                class(value) == class(operand) && (order.is_eq() || !is_nan(value) && !is_nan(operand));
            comparable && wanted.contains(&order)
        })
    };
    let list = |operand: &Value| match operand {
        Value::Array(items) => items.iter().any(|item| naive_operator(document, path, "$eq", item)),
        _ => unreachable!(),
    };
    match operator {
        "$eq" => some(&|value| compare_values(value, operand).is_eq()),
        "$ne" => !naive_operator(document, path, "$eq", operand),
        "$gt" => ordered(&[Ordering::Greater]),
        "$gte" => ordered(&[Ordering::Greater, Ordering::Equal]),
        "$lt" => ordered(&[Ordering::Less]),
        "$lte" => ordered(&[Ordering::Less, Ordering::Equal]),
        "$in" => list(operand),
        "$nin" => !list(operand),
        "$exists" => {
            let mut found = Vec::new();
            reach(document, &path.split('.').collect::<Vec<_>>(), true, &mut found);
            let wanted = match operand {
                Value::Null | Value::Bool(false) | Value::Int(0) | Value::Long(0) => false,
                Value::Double(number) => *number != 0.0,
                _ => true,
            };
            found.iter().any(Option::is_some) == wanted
        }
        "$regex" => some(&|value| match (value, operand) {
            (Value::String(text), Value::String(pattern)) => match pattern.as_str() {
                "^A" => text.starts_with('A'),
                "b$" => text.ends_with('b'),
                "." => !text.is_empty(),
                _ => text.contains(|letter| letter != 'a'),
            },
            _ => false,
        }),
        "$contains" => {
            let mut found = Vec::new();
            reach(document, &path.split('.').collect::<Vec<_>>(), true, &mut found);
            found.into_iter().flatten().any(|value| match (value, operand) {
                (Value::Array(items), _) => items.iter().any(|item| compare_values(item, operand).is_eq()),
                (Value::String(text), Value::String(part)) => {
                    text.to_lowercase().contains(&part.to_lowercase())
                }
                _ => false,
            })
        }
        "$not" => !naive_operators(document, path, operand),
        other => unreachable!("{other}"),
    }
}

fn naive_operators(document: &Value, path: &str, operators: &Value) -> bool {
    match operators {
        Value::Object(fields) if fields.first().is_some_and(|(key, _)| key.starts_with('$')) => {
            fields.iter().all(|(operator, operand)| naive_operator(document, path, operator, operand))
        }
        value => naive_operator(document, path, "$eq", value),
    }
}

fn naive_matches(document: &Value, filter: &Value) -> bool {
    let Value::Object(fields) = filter else { unreachable!() };
    fields.iter().all(|(key, value)| match (key.as_str(), value) {
        ("$and", Value::Array(list)) => list.iter().all(|filter| naive_matches(document, filter)),
        ("$or", Value::Array(list)) => list.iter().any(|filter| naive_matches(document, filter)),
        ("$nor", Value::Array(list)) => !list.iter().any(|filter| naive_matches(document, filter)),
        _ => naive_operators(document, key, value),
    })
}

/// Numbers as (whole part, fraction in 2^-60ths); infinities beyond all.
fn exact(value: &Value) -> Option<(i128, i128)> {
    match value {
        Value::Int(n) => Some((i128::from(*n), 0)),
        Value::Long(n) => Some((i128::from(*n), 0)),
        Value::Double(n) if n.is_nan() => Some((i128::MIN, 0)),
        Value::Double(n) if n.abs() > 1e30 => Some((if *n > 0.0 { i128::MAX } else { i128::MIN + 1 }, 0)),
        Value::Double(n) => Some((n.floor() as i128, ((n - n.floor()) * (1u64 << 60) as f64) as i128)),
        _ => None,
    }
}

/// The first element of the array of a field that compares so with the operand.
fn naive_position(document: &Value, key: &str, wanted: Ordering, operand: &Value) -> Option<usize> {
    let Value::Object(fields) = document else { unreachable!() };
    let (_, Value::Array(items)) = fields.iter().find(|(own, _)| own == key)? else { return None };
    items.iter().position(|item| {
        let comparable =
            class(item) == class(operand) && (wanted.is_eq() || !is_nan(item) && !is_nan(operand));
        comparable && compare_values(item, operand) == wanted
    })
}

pub(super) fn number() -> impl Strategy<Value = Value> {
    let near =
        prop_oneof![Just(0i64), Just(1 << 53), Just(-(1 << 53)), Just(i64::MAX - 4), Just(i64::MIN + 4)];
    prop_oneof![
        any::<i32>().prop_map(Value::Int),
        (near.clone(), -4..4i64).prop_map(|(base, step)| Value::Long(base + step)),
        (near, -2..2i64).prop_map(|(base, step)| Value::Double((base as f64) + (step as f64) * 0.5)),
        Just(Value::Double(f64::INFINITY)),
        Just(Value::Double(f64::NEG_INFINITY)),
        Just(Value::Double(f64::NAN)),
        Just(Value::Double(-0.0)),
    ]
}

fn naive_key(document: &Value, path: &[&str]) -> Vec<Option<Value>> {
    match (document, path) {
        (Value::Array(items), []) if items.is_empty() => vec![None],
        (Value::Array(items), []) => items.iter().cloned().map(Some).collect(),
        (value, []) => vec![Some(value.clone())],
        (Value::Object(fields), [first, rest @ ..]) => {
            let found = fields.iter().find(|(key, _)| key == first);
            found.map_or(vec![Some(Value::Null)], |(_, value)| naive_key(value, rest))
        }
        (Value::Array(items), [first, rest @ ..]) if !items.is_empty() => {
            match items.iter().enumerate().find(|(n, _)| n.to_string() == **first) {
                Some((_, item)) => naive_key(item, rest),
                None => {
                    let each = items.iter().flat_map(|item| match item {
                        Value::Object(_) => naive_key(item, path),
                        _ => vec![Some(Value::Null)],
                    });
                    each.collect()
                }
            }
        }
        _ => vec![Some(Value::Null)],
    }
}

fn compare_keys(a: &Option<Value>, b: &Option<Value>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare_values(a, b),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

/// Operators with valid and invalid operands and documents.
fn update() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(vec![
        "$set",
        "$unset",
        "$inc",
        "$mul",
        "$min",
        "$max",
        "$push",
        "$addToSet",
        "$pull",
        "$pullAll",
        "$pop",
        "$bit",
        "$currentDate",
        "$setOnInsert",
    ]);
    let each = (proptest::collection::vec(any_value(), 0..3), -2..3i32, -2..3i32).prop_map(
        |(items, position, slice)| {
            let clauses = [
                ("$each", Value::Array(items)),
                ("$position", Value::Int(position)),
                ("$slice", Value::Int(slice)),
                ("$sort", Value::Int(1)),
            ];
            Value::Object(clauses.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        },
    );
    let change = prop_oneof![
        4 => (operator, path(), prop_oneof![3 => any_value(), 1 => operators()]).prop_map(|(name, path, value)| (name, path, value)),
        1 => (path(), each).prop_map(|(path, value)| ("$push", path, value)),
        1 => (path(), path()).prop_map(|(from, to)| ("$rename", from, Value::String(to))),
    ];
    proptest::collection::vec(change, 1..4).prop_map(|changes| {
        let mut update = Object::new();
        for (operator, path, operand) in changes {
            if update.iter().all(|(own, _)| own != operator) {
                update.push((operator.to_owned(), Value::Object(vec![(path, operand)])));
            }
        }
        Value::Object(update)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_position_is_the_first_element_that_passes(document in document(), operand in scalar(), greater in any::<bool>()) {
        let (name, wanted) = if greater { ("$gt", Ordering::Greater) } else { ("$eq", Ordering::Equal) };
        let operators = Value::Object(vec![(name.to_owned(), operand.clone())]);
        let filter = Value::Object(vec![("a".to_owned(), operators)]);
        let (encoded, parsed) = (encode(&document), Filter::parse(encode(&filter).raw()).unwrap());
        if parsed.matches(encoded.raw()) {
            prop_assert_eq!(parsed.position(encoded.raw()), naive_position(&document, "a", wanted, &operand));
        } else {
            prop_assert_eq!(parsed.position(encoded.raw()), None);
        }
    }

    #[test]
    fn filters_match_what_the_naive_matcher_matches(document in document(), filter in filter()) {
        let parsed = Filter::parse(encode(&filter).raw()).unwrap();
        prop_assert_eq!(parsed.matches(encode(&document).raw()), naive_matches(&document, &filter));
    }

    #[test]
    fn a_document_matches_each_of_its_own_fields(document in document()) {
        let Value::Object(fields) = &document else { unreachable!() };
        for field in fields {
            let filter = Filter::parse(encode(&Value::Object(vec![field.clone()])).raw()).unwrap();
            prop_assert!(filter.matches(encode(&document).raw()));
        }
    }

    #[test]
    fn the_order_is_total(a in any_value(), b in any_value(), c in any_value()) {
        prop_assert_eq!(compare_values(&a, &a), Ordering::Equal);
        prop_assert_eq!(compare_values(&a, &b), compare_values(&b, &a).reverse());
        prop_assert_eq!(compare(encode(&a).raw(), encode(&b).raw()), compare_values(&a, &b));
        let mut sorted = [&a, &b, &c];
        sorted.sort_by(|a, b| compare_values(a, b));
        prop_assert_ne!(compare_values(sorted[0], sorted[2]), Ordering::Greater);
        if compare_values(&a, &b).is_eq() {
            prop_assert_eq!(compare_values(&a, &c), compare_values(&b, &c));
        }
        prop_assert!(class(&a) == class(&b) || compare_values(&a, &b) == class(&a).cmp(&class(&b)));
    }

    #[test]
    fn numbers_compare_exactly(a in number(), b in number()) {
        prop_assert_eq!(compare_values(&a, &b), exact(&a).cmp(&exact(&b)));
    }

    #[test]
    fn sorts_as_the_naive_sort(
        documents in proptest::collection::vec(document(), 0..8),
        paths in proptest::collection::vec((path(), any::<bool>()), 1..3),
    ) {
        prop_assume!(paths.len() == 1 || paths[0].0 != paths[1].0);
        let pair = |(path, down): &(String, bool)| {
            Value::Array(vec![Value::String(path.clone()), Value::Int(if *down { -1 } else { 1 })])
        };
        let sort = Sort::parse(encode(&Value::Array(paths.iter().map(pair).collect())).raw()).unwrap().unwrap();
        let key = |document: &Value| sort.key(encode(document).raw());
        // Arrays at both paths have no order.
        let documents: Vec<Value> = documents.into_iter().filter(|document| key(document).is_ok()).collect();
        let mut sorted = documents.clone();
        sorted.sort_by_cached_key(|document| key(document).unwrap());
        let mut naive = documents;
        naive.sort_by(|a, b| {
            paths.iter().fold(Ordering::Equal, |order, (path, down)| {
                let parts: Vec<_> = path.split('.').collect();
                let key = |document: &Value| {
                    let keys = naive_key(document, &parts).into_iter();
                    if *down { keys.max_by(compare_keys) } else { keys.min_by(compare_keys) }.unwrap()
                };
                let by_this = compare_keys(&key(a), &key(b));
                order.then(if *down { by_this.reverse() } else { by_this })
            })
        });
        prop_assert_eq!(sorted, naive);
    }

    #[test]
    fn an_update_says_whether_it_changed_anything(document in document(), update in update()) {
        let Value::Object(before) = &document else { unreachable!() };
        if let Ok(parsed) = Update::parse(encode(&update).raw(), None) {
            let mut after = before.clone();
            if let Ok(changed) = parsed.apply(&mut after, 1, UpdateTarget::Existing, None) {
                // What $push cuts or sorts counts as changed, even if the array is equal afterwards.
                let counts = format!("{update:?}").contains("$push");
                prop_assert!(changed || after == *before);
                prop_assert!(!changed || counts || after != *before);
                let keys: std::collections::HashSet<_> = after.iter().map(|(key, _)| key).collect();
                prop_assert_eq!(keys.len(), after.len());
            }
        }
    }

    #[test]
    fn an_upsert_seed_matches_its_filter(filter in filter()) {
        let parsed = Filter::parse(encode(&filter).raw()).unwrap();
        let one_equality = matches!(&filter, Value::Object(fields)
            if !fields[0].0.starts_with('$') && !matches!(&fields[0].1, Value::Object(operators)
                if operators.first().is_some_and(|(key, _)| key.starts_with('$'))));
        if let Ok(seed) = parsed.upsert_seed() && one_equality {
            prop_assert!(parsed.matches(encode(&Value::Object(seed)).raw()));
        }
    }

    #[test]
    fn no_value_panics_a_parser(value in any_value()) {
        let encoded = encode(&value);
        let _ = Filter::parse(encoded.raw()).map(|filter| filter.matches(encoded.raw()));
        let _ = Projection::parse(encoded.raw()).map(|parsed| parsed.map(|parsed| parsed.apply(encoded.raw(), &Filter::all())));
        let _ = Sort::parse(encoded.raw());
        let _ = JsonSchema::parse(encoded.raw()).map(|schema| schema.violation(encoded.raw()));
        let _ = Update::parse(encoded.raw(), None);
    }

    #[test]
    fn inclusion_and_exclusion_of_fields_add_up(document in document(), names in proptest::collection::vec(key(), 1..3)) {
        let mut fields: Vec<_> = names.into_iter().collect();
        fields.sort();
        fields.dedup();
        let project = |mode: i32| {
            let spec = fields.iter().map(|key| (key.clone(), Value::Int(mode))).collect();
            let parsed = Projection::parse(encode(&Value::Object(spec)).raw()).unwrap().unwrap();
            match parsed.apply(encode(&document).raw(), &Filter::all()).unwrap() {
                Value::Object(fields) => fields,
                other => panic!("{other:?}"),
            }
        };
        let Value::Object(all) = &document else { unreachable!() };
        let (kept, dropped): (Object, Object) = all.iter().cloned().partition(|(key, _)| fields.contains(key));
        prop_assert_eq!(project(1), kept);
        prop_assert_eq!(project(0), dropped);
    }
}
