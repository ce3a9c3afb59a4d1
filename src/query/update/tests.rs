//! What updates do, by MongoDB's manual.

use crate::document::{Object, Value};
use crate::error::{Error, Kind, Result};
use crate::query::testing::{encoded, object, value};
use crate::query::{Update, UpdateTarget};

fn run(document: &str, update: &str, target: UpdateTarget) -> Result<(Object, bool)> {
    let mut tree = object(document);
    let changed = Update::parse(encoded(update).raw(), None)?.apply(&mut tree, 0, target, None)?;
    Ok((tree, changed))
}

#[track_caller]
fn becomes(document: &str, update: &str, after: &str) {
    let (tree, changed) =
        run(document, update, UpdateTarget::Existing).unwrap_or_else(|error| panic!("{error}: {update}"));
    assert_eq!(tree, object(after), "{update} on {document}");
    // What $push cuts or sorts counts as changed, even if the array is equal afterwards.
    let counts = update.contains("$each") && (update.contains("$slice") || update.contains("$sort"));
    assert!(changed || object(document) == tree, "{update} on {document}");
    assert!(!changed || counts || object(document) != tree, "{update} on {document}");
}

#[track_caller]
fn refused(document: &str, update: &str, path: Option<&str>, words: &str) -> Error {
    let error = run(document, update, UpdateTarget::Existing).expect_err(update);
    assert_eq!(error.kind(), Kind::BadUpdate);
    assert_eq!(error.details().path.as_deref(), path, "{error}");
    assert!(error.message().contains(words), "{error}");
    error
}

#[test]
fn set_replaces_and_creates() {
    becomes(r#"{"a":1}"#, r#"{"$set":{"a":2,"b.c":3}}"#, r#"{"a":2,"b":{"c":3}}"#);
    becomes(r#"{"a":[1]}"#, r#"{"$set":{"a.0":5,"a.3":6}}"#, r#"{"a":[5,null,null,6]}"#);
    becomes(r#"{"a":[1]}"#, r#"{"$set":{"a.1.b":5}}"#, r#"{"a":[1,{"b":5}]}"#);
    becomes("{}", r#"{"$set":{"a.0":5}}"#, r#"{"a":{"0":5}}"#);
    becomes(r#"{"a":[{"b":1}]}"#, r#"{"$set":{"a.0.b":2}}"#, r#"{"a":[{"b":2}]}"#);
    becomes(r#"{"a":1}"#, r#"{"$set":{"a":1}}"#, r#"{"a":1}"#);
    becomes(r#"{"a":1}"#, r#"{"$set":{"a":{"$numberLong": "1"}}}"#, r#"{"a":{"$numberLong": "1"}}"#);
    becomes(r#"{"a":1}"#, r#"{"$set":{}}"#, r#"{"a":1}"#);
}

#[test]
fn new_fields_come_in_the_order_of_their_paths() {
    becomes("{}", r#"{"$set":{"b":1,"a":1,"10":1,"9":1}}"#, r#"{"9":1,"10":1,"a":1,"b":1}"#);
}

#[test]
fn paths_that_cannot_be_made_are_refused() {
    refused(
        r#"{"a":1}"#,
        r#"{"$set":{"a.b":1}}"#,
        Some("a.b"),
        "cannot create field 'b' in 'a', which is of type int",
    );
    refused(r#"{"a":null}"#, r#"{"$inc":{"a.b":1}}"#, Some("a.b"), "of type null");
    refused(r#"{"a":[1]}"#, r#"{"$set":{"a.b":1}}"#, Some("a.b"), "number of an element");
    refused(r#"{"a":[1]}"#, r#"{"$push":{"a.0.b":1}}"#, Some("a.0.b"), "in '0'");
    refused(r#"{"a":1}"#, r#"{"$pull":{"a.b":1}}"#, Some("a.b"), "of type int");
    refused(r#"{"a":[]}"#, r#"{"$set":{"a.1500001":1}}"#, Some("a.1500001"), "1500000");
    assert_eq!(run(r#"{"a":[]}"#, r#"{"$set":{"a.1500000":1}}"#, UpdateTarget::Existing).unwrap().0.len(), 1);
}

#[test]
fn unset_removes_fields_and_empties_elements() {
    becomes(
        r#"{"a":1,"b":{"c":1,"d":2}}"#,
        r#"{"$unset":{"a":"","b.c":1,"x.y":1,"b.d.e":1}}"#,
        r#"{"b":{"d":2}}"#,
    );
    becomes(r#"{"a":[1,2]}"#, r#"{"$unset":{"a.0":1}}"#, r#"{"a":[null,2]}"#);
    becomes(r#"{"a":[1,2]}"#, r#"{"$unset":{"a.5":1}}"#, r#"{"a":[1,2]}"#);
}

#[test]
fn inc_keeps_the_number_forms() {
    becomes(r#"{"a":1}"#, r#"{"$inc":{"a":2,"b":-3}}"#, r#"{"a":3,"b":-3}"#);
    becomes(r#"{"a":2147483647}"#, r#"{"$inc":{"a":1}}"#, r#"{"a":2147483648}"#);
    becomes(r#"{"a":1.5}"#, r#"{"$inc":{"a":0.5}}"#, r#"{"a":2}"#);
    becomes(r#"{"a":{"$numberLong": "5"}}"#, r#"{"$inc":{"a":1}}"#, r#"{"a":{"$numberLong": "6"}}"#);
    becomes(r#"{"a":5}"#, r#"{"$inc":{"a":{"$numberLong": "1"}}}"#, r#"{"a":{"$numberLong": "6"}}"#);
    becomes(r#"{"a":{"$numberLong": "5"}}"#, r#"{"$inc":{"a":0.5}}"#, r#"{"a":5.5}"#);
    becomes(r#"{"a":5}"#, r#"{"$inc":{"a":0}}"#, r#"{"a":5}"#);
    refused(
        r#"{"a":{"$numberLong": "9223372036854775807"}}"#,
        r#"{"$inc":{"a":1}}"#,
        Some("a"),
        "range of a BigInt",
    );
    refused(r#"{"a":"x"}"#, r#"{"$inc":{"a":1}}"#, Some("a"), "of type string");
    refused(r#"{"a":null}"#, r#"{"$inc":{"a":1}}"#, Some("a"), "of type null");
    refused("{}", r#"{"$inc":{"a":"1"}}"#, Some("a"), "needs a number");
}

#[test]
fn push_adds_places_sorts_and_slices() {
    becomes(r#"{"a":[1]}"#, r#"{"$push":{"a":[2],"b":3}}"#, r#"{"a":[1,[2]],"b":[3]}"#);
    becomes(r#"{"a":[1]}"#, r#"{"$push":{"a":{"$each":[2,3]}}}"#, r#"{"a":[1,2,3]}"#);
    becomes(r#"{"a":[1,2]}"#, r#"{"$push":{"a":{"$each":[8,9],"$position":0}}}"#, r#"{"a":[8,9,1,2]}"#);
    becomes(r#"{"a":[1,2]}"#, r#"{"$push":{"a":{"$each":[9],"$position":-1}}}"#, r#"{"a":[1,9,2]}"#);
    becomes(r#"{"a":[1,2]}"#, r#"{"$push":{"a":{"$each":[9],"$position":-7}}}"#, r#"{"a":[9,1,2]}"#);
    becomes(r#"{"a":[1,2]}"#, r#"{"$push":{"a":{"$each":[3],"$slice":-2}}}"#, r#"{"a":[2,3]}"#);
    becomes(r#"{"a":[1,2]}"#, r#"{"$push":{"a":{"$each":[3],"$slice":2}}}"#, r#"{"a":[1,2]}"#);
    becomes(r#"{"a":[1,2]}"#, r#"{"$push":{"a":{"$each":[],"$slice":0}}}"#, r#"{"a":[]}"#);
    becomes(r#"{"a":[3,1]}"#, r#"{"$push":{"a":{"$each":[2],"$sort":-1}}}"#, r#"{"a":[3,2,1]}"#);
    becomes(
        r#"{"q":[{"w":1,"s":10},{"w":2,"s":8}]}"#,
        r#"{"$push":{"q":{"$each":[{"w":3,"s":9},5],"$sort":{"s":-1},"$slice":3}}}"#,
        r#"{"q":[{"w":1,"s":10},{"w":3,"s":9},{"w":2,"s":8}]}"#,
    );
    becomes(r#"{"a":[1]}"#, r#"{"$push":{"a":{"$each":[]}}}"#, r#"{"a":[1]}"#);
    becomes("{}", r#"{"$push":{"a":{"$each":[]}}}"#, r#"{"a":[]}"#);
    refused(r#"{"a":1}"#, r#"{"$push":{"a":1}}"#, Some("a"), "needs an array");
    refused("{}", r#"{"$push":{"a":{"$each":1}}}"#, Some("a"), "must be an array, not int");
    refused("{}", r#"{"$push":{"a":{"$each":[],"$x":1}}}"#, Some("a"), "unknown clause '$x'");
    refused("{}", r#"{"$push":{"a":{"$each":[],"$slice":1.5}}}"#, Some("a"), "$slice");
    refused("{}", r#"{"$push":{"a":{"$each":[],"$sort":2}}}"#, Some("a"), "$sort");
    refused("{}", r#"{"$push":{"a":{"$slice":1}}}"#, Some("a"), "needs $each");
}

#[test]
fn pull_takes_values_conditions_and_filters() {
    becomes(r#"{"a":[1,2,1]}"#, r#"{"$pull":{"a":1}}"#, r#"{"a":[2]}"#);
    becomes(r#"{"a":[1,5,9,"x"]}"#, r#"{"$pull":{"a":{"$gte":5}}}"#, r#"{"a":[1,"x"]}"#);
    becomes(r#"{"a":["x","y"]}"#, r#"{"$pull":{"a":{"$in":["y","z"]}}}"#, r#"{"a":["x"]}"#);
    becomes(r#"{"a":[{"b":1,"c":1},{"b":2},3]}"#, r#"{"$pull":{"a":{"b":1}}}"#, r#"{"a":[{"b":2},3]}"#);
    becomes(
        r#"{"a":[{"b":[{"c":5}]},{"b":[]}]}"#,
        r#"{"$pull":{"a":{"b.c":{"$gt":4}}}}"#,
        r#"{"a":[{"b":[]}]}"#,
    );
    becomes(r#"{"a":[[1,2],1]}"#, r#"{"$pull":{"a":[1,2]}}"#, r#"{"a":[1]}"#);
    becomes(r#"{"a":[1]}"#, r#"{"$pull":{"a":7,"b":1}}"#, r#"{"a":[1]}"#);
    becomes(r#"{"a":[{},{"b":1}]}"#, r#"{"$pull":{"a":{"b":null}}}"#, r#"{"a":[{"b":1}]}"#);
    refused(r#"{"a":1}"#, r#"{"$pull":{"a":1}}"#, Some("a"), "needs an array");
    refused("{}", r#"{"$pull":{"a":{"$foo":1}}}"#, Some("a"), "unknown operator '$foo'");
}

#[test]
fn set_on_insert_is_for_upserts() {
    becomes("{}", r#"{"$setOnInsert":{"a":1}}"#, "{}");
    let (tree, changed) =
        run(r#"{"b":1}"#, r#"{"$setOnInsert":{"a":1,"_id":7},"$inc":{"b":1}}"#, UpdateTarget::Inserted)
            .unwrap();
    assert_eq!((tree, changed), (object(r#"{"_id":7,"b":2,"a":1}"#), true));
}

#[test]
fn id_never_changes() {
    becomes(r#"{"_id":1}"#, r#"{"$set":{"_id":1,"a":2}}"#, r#"{"_id":1,"a":2}"#);
    becomes(r#"{"_id":1}"#, r#"{"$set":{"_id":{"$numberLong": "1"}}}"#, r#"{"_id":1}"#);
    becomes(r#"{"_id":{"a":1}}"#, r#"{"$unset":{"_id.b":1}}"#, r#"{"_id":{"a":1}}"#);
    for update in [r#"{"$set":{"_id":2}}"#, r#"{"$unset":{"_id":1}}"#, r#"{"$inc":{"_id":1}}"#] {
        refused(r#"{"_id":1}"#, update, Some("_id"), "immutable field '_id'");
    }
    refused(r#"{"_id":{"a":1}}"#, r#"{"$set":{"_id.a":2}}"#, Some("_id.a"), "immutable field '_id'");
    refused(r#"{"_id":{"a":1}}"#, r#"{"$set":{"_id.b":2}}"#, Some("_id.b"), "immutable field '_id'");
}

#[test]
fn conflicting_paths_are_refused_with_both_names() {
    let message = "Updating the path 'a.b' would create a conflict at 'a'";
    refused("{}", r#"{"$set":{"a":1,"a.b":1}}"#, Some("a.b"), message);
    refused("{}", r#"{"$set":{"a.b":1},"$unset":{"a":1}}"#, Some("a.b"), message);
    refused("{}", r#"{"$set":{"a":1},"$inc":{"a":1}}"#, Some("a"), "path 'a' would create a conflict at 'a'");
    becomes("{}", r#"{"$set":{"a.b":1,"a.c":1,"ab":1}}"#, r#"{"a":{"b":1,"c":1},"ab":1}"#);
}

#[test]
fn malformed_updates_are_refused() {
    refused("{}", "{}", None, "at least one operator");
    refused("{}", "[]", None, "at least one stage");
    refused("{}", "1", None, "must be an object of operators");
    refused("{}", r#"{"a":1}"#, Some("a"), "no update operator");
    refused("{}", r#"{"$foo":{"a":1}}"#, Some("$foo"), "unknown update operator '$foo'");
    refused("{}", r#"{"$set":1}"#, Some("$set"), "object of paths");
    refused("{}", r#"{"$set":{"a..b":1}}"#, Some("a..b"), "empty part");
    refused("{}", r#"{"$set":{"":1}}"#, None, "empty part");
    refused("{}", r#"{"$set":{"a.$b":1}}"#, Some("a.$b"), "must not start");
    refused("{}", r#"{"$set":{"a.$[]":1}}"#, Some("a.$[]"), "must exist");
}

#[test]
fn documents_never_get_deeper_than_the_limit() {
    let path = |parts: usize| vec!["a"; parts].join(".");
    let update = |parts: usize, value: &str| format!(r#"{{"$set":{{"{}":{value}}}}}"#, path(parts));
    assert!(run("{}", &update(100, "1"), UpdateTarget::Existing).is_ok());
    assert!(run("{}", &update(99, "[]"), UpdateTarget::Existing).is_ok());
    refused("{}", &update(101, "1"), Some(&path(101)), "100 levels");
    refused("{}", &update(100, "[]"), Some(&path(100)), "100 levels");
    refused("{}", &update(99, r#"{"b":{}}"#), Some(&path(99)), "100 levels");
    let push = format!(r#"{{"$push":{{"{}":{{}}}}}}"#, path(99));
    refused("{}", &push, Some(&path(99)), "100 levels");
}

#[test]
fn sums_of_every_pair_of_number_forms() {
    let sum = |a: &str, b: &str| super::arithmetic::add(&value(a), &value(b)).unwrap();
    assert_eq!(sum("-2147483648", "-1"), Value::Double(-2_147_483_649.0));
    assert_eq!(sum("2147483648", "-1"), Value::Int(i32::MAX));
    assert_eq!(sum("0.1", r#"{"$numberLong": "1"}"#), Value::Double(1.1));
    assert_eq!(sum(r#"{"$numberDouble": "-0"}"#, "0"), Value::Int(0));
    assert_eq!(sum(r#"{"$numberDouble": "Infinity"}"#, "1"), Value::Double(f64::INFINITY));
}

#[test]
fn mul_multiplies_and_starts_from_zero() {
    becomes(r#"{"a":3}"#, r#"{"$mul":{"a":-2,"b":5}}"#, r#"{"a":-6,"b":0}"#);
    becomes(r#"{"a":0}"#, r#"{"$mul":{"a":-5}}"#, r#"{"a":0}"#);
    becomes(r#"{"a":65536}"#, r#"{"$mul":{"a":65536}}"#, r#"{"a":4294967296}"#);
    becomes("{}", r#"{"$mul":{"a":{"$numberLong": "7"}}}"#, r#"{"a":{"$numberLong": "0"}}"#);
    refused(
        r#"{"a":{"$numberLong": "9223372036854775807"}}"#,
        r#"{"$mul":{"a":2}}"#,
        Some("a"),
        "range of a BigInt",
    );
    refused(r#"{"a":"x"}"#, r#"{"$mul":{"a":2}}"#, Some("a"), "of type string");
}

#[test]
fn min_and_max_keep_the_extreme_of_the_order() {
    becomes(r#"{"a":5,"b":5}"#, r#"{"$min":{"a":3,"b":9,"c":1}}"#, r#"{"a":3,"b":5,"c":1}"#);
    becomes(r#"{"a":5,"b":5}"#, r#"{"$max":{"a":3,"b":9}}"#, r#"{"a":5,"b":9}"#);
    becomes(r#"{"a":5}"#, r#"{"$max":{"a":"x"}}"#, r#"{"a":"x"}"#);
    becomes(r#"{"a":5}"#, r#"{"$min":{"a":{"$numberLong": "5"}}}"#, r#"{"a":5}"#);
    refused(r#"{"a":5}"#, r#"{"$min":{"a.b":3}}"#, Some("a.b"), "of type int");
}

#[test]
fn current_date_is_the_moment_of_the_update() {
    let mut tree = object(r#"{"a":1}"#);
    let update = encoded(r#"{"$currentDate":{"a":true,"b":{"$type":"date"}}}"#);
    assert!(
        Update::parse(update.raw(), None)
            .unwrap()
            .apply(&mut tree, 77, UpdateTarget::Existing, None)
            .unwrap()
    );
    assert_eq!(
        tree,
        object(r#"{"a":{"$date": {"$numberLong": "77"}},"b":{"$date": {"$numberLong": "77"}}}"#)
    );
    refused("{}", r#"{"$currentDate":{"a":{"$type":"timestamp"}}}"#, Some("a"), "no timestamps");
}

#[test]
fn rename_moves_a_value() {
    becomes(r#"{"a":1,"b":2}"#, r#"{"$rename":{"a":"c.d"}}"#, r#"{"b":2,"c":{"d":1}}"#);
    becomes(r#"{"a":1,"b":2}"#, r#"{"$rename":{"a":"b"}}"#, r#"{"b":1}"#);
    becomes(r#"{"a":{"x":1,"y":2}}"#, r#"{"$rename":{"a.x":"a.z"}}"#, r#"{"a":{"y":2,"z":1}}"#);
    becomes(r#"{"b":2}"#, r#"{"$rename":{"a":"b"}}"#, r#"{"b":2}"#);
    refused("{}", r#"{"$rename":{"a":"a"}}"#, Some("a"), "conflict at 'a'");
    refused("{}", r#"{"$rename":{"a":"b"},"$set":{"a":1}}"#, Some("a"), "conflict at 'a'");
    refused("{}", r#"{"$rename":{"a":1}}"#, Some("a"), "needs a path");
    refused(r#"{"a":[1]}"#, r#"{"$rename":{"a.0":"b"}}"#, Some("a.0"), "element of an array");
    refused(r#"{"a":[1],"b":2}"#, r#"{"$rename":{"b":"a.0"}}"#, Some("a.0"), "element of an array");
    refused(r#"{"_id":1}"#, r#"{"$rename":{"_id":"b"}}"#, Some("_id"), "immutable field '_id'");
    refused(r#"{"_id":1,"b":2}"#, r#"{"$rename":{"b":"_id"}}"#, Some("_id"), "immutable field '_id'");
}

#[test]
fn add_to_set_adds_what_is_not_there() {
    becomes(r#"{"a":[1]}"#, r#"{"$addToSet":{"a":2,"b":3}}"#, r#"{"a":[1,2],"b":[3]}"#);
    becomes(r#"{"a":[1]}"#, r#"{"$addToSet":{"a":{"$numberLong": "1"}}}"#, r#"{"a":[1]}"#);
    becomes(r#"{"a":[1]}"#, r#"{"$addToSet":{"a":{"$each":[1,2,2]}}}"#, r#"{"a":[1,2]}"#);
    becomes(r#"{"a":[1]}"#, r#"{"$addToSet":{"a":[1]}}"#, r#"{"a":[1,[1]]}"#);
    refused(r#"{"a":1}"#, r#"{"$addToSet":{"a":1}}"#, Some("a"), "cannot apply $addToSet");
    refused("{}", r#"{"$addToSet":{"a":{"$each":1}}}"#, Some("a"), "must be an array");
    refused("{}", r#"{"$addToSet":{"a":{"$each":[],"$slice":1}}}"#, Some("a"), "'$slice'");
}

#[test]
fn pull_all_and_pop_take_elements() {
    becomes(r#"{"a":[1,2,1,3]}"#, r#"{"$pullAll":{"a":[1,3],"b":[1]}}"#, r#"{"a":[2]}"#);
    becomes(r#"{"a":[1,2,3],"b":[1,2]}"#, r#"{"$pop":{"a":1,"b":-1,"c":1}}"#, r#"{"a":[1,2],"b":[2]}"#);
    becomes(r#"{"a":[],"b":[]}"#, r#"{"$pop":{"a":1,"b":-1}}"#, r#"{"a":[],"b":[]}"#);
    refused("{}", r#"{"$pullAll":{"a":1}}"#, Some("a"), "must be an array");
    refused("{}", r#"{"$pop":{"a":2}}"#, Some("a"), "must be 1");
    refused(r#"{"a":1}"#, r#"{"$pop":{"a":1}}"#, Some("a"), "cannot apply $pop");
}

#[test]
fn bit_works_on_integers() {
    becomes(
        r#"{"a":13,"b":3}"#,
        r#"{"$bit":{"a":{"and":10},"b":{"or":8,"xor":1},"c":{"or":5}}}"#,
        r#"{"a":8,"b":10,"c":5}"#,
    );
    becomes(
        r#"{"a":{"$numberLong": "1"}}"#,
        r#"{"$bit":{"a":{"xor":-1}}}"#,
        r#"{"a":{"$numberLong": "-2"}}"#,
    );
    refused(r#"{"a":1.5}"#, r#"{"$bit":{"a":{"or":1}}}"#, Some("a"), "of type double");
    refused("{}", r#"{"$bit":{"a":{"or":1.5}}}"#, Some("a"), "int32 or a BigInt");
    refused("{}", r#"{"$bit":{"a":{"nor":1}}}"#, Some("a"), "'nor'");
    refused("{}", r#"{"$bit":{"a":1}}"#, Some("a"), "needs an object");
}

#[test]
fn pull_takes_regular_expressions() {
    let pattern = r#"{"$regularExpression":{"pattern":"^a","options":"i"}}"#;
    becomes(r#"{"a":["Ab","b",1]}"#, &format!(r#"{{"$pull":{{"a":{pattern}}}}}"#), r#"{"a":["b",1]}"#);
    becomes(
        r#"{"a":[{"n":"ab"},{"n":"b"}]}"#,
        &format!(r#"{{"$pull":{{"a":{{"n":{pattern}}}}}}}"#),
        r#"{"a":[{"n":"b"}]}"#,
    );
    becomes(r#"{"a":["ab","b"]}"#, r#"{"$pull":{"a":{"$regex":"^a"}}}"#, r#"{"a":["b"]}"#);
}
