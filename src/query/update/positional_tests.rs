//! What updates of array elements do, by MongoDB's manual.

use crate::document::Object;
use crate::error::{Kind, Result};
use crate::query::testing::{encoded, object};
use crate::query::{Filter, Update, UpdateTarget};

fn run_positional(document: &str, filter: &str, update: &str, array_filters: &str) -> Result<Object> {
    let (filters, source) = (encoded(array_filters), encoded(document));
    let matched = Filter::parse(encoded(filter).raw())?.position(source.raw());
    let mut tree = object(document);
    Update::parse(encoded(update).raw(), Some(filters.raw()))?.apply(
        &mut tree,
        0,
        UpdateTarget::Existing,
        matched,
    )?;
    Ok(tree)
}

#[track_caller]
fn positional(document: &str, filter: &str, update: &str, array_filters: &str, after: &str) {
    let tree = run_positional(document, filter, update, array_filters)
        .unwrap_or_else(|error| panic!("{error}: {update}"));
    assert_eq!(tree, object(after), "{update} on {document} by {filter}");
}

#[track_caller]
fn positional_refused(document: &str, filter: &str, update: &str, array_filters: &str, words: &str) {
    let error = run_positional(document, filter, update, array_filters).expect_err(update);
    assert_eq!(error.kind(), Kind::BadUpdate);
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn a_dollar_is_the_first_element_that_matched() {
    let grades = r#"{"_id":1,"grades":[85,80,80]}"#;
    positional(
        grades,
        r#"{"grades":80}"#,
        r#"{"$set":{"grades.$":82}}"#,
        "null",
        r#"{"_id":1,"grades":[85,82,80]}"#,
    );
    let nested = r#"{"g":[{"n":80,"s":8},{"n":85,"s":5},{"n":90,"s":5}]}"#;
    let after = r#"{"g":[{"n":80,"s":8},{"n":85,"s":6},{"n":90,"s":5}]}"#;
    let set = r#"{"$set":{"g.$.s":6}}"#;
    positional(nested, r#"{"g":{"$elemMatch":{"n":{"$lte":90},"s":5}}}"#, set, "null", after);
    positional(nested, r#"{"g.n":85}"#, set, "null", after);
    positional(nested, r#"{"g.n":{"$in":[85,90]},"$comment":"x"}"#, r#"{"$inc":{"g.$.s":1}}"#, "null", after);
    positional(
        r#"{"a":["x","yes"]}"#,
        r#"{"a":{"$regex":"^y"}}"#,
        r#"{"$unset":{"a.$":1}}"#,
        "null",
        r#"{"a":["x",null]}"#,
    );
    positional(
        r#"{"a":[1,2]}"#,
        r#"{"$and":[{"a":1},{"a":2}]}"#,
        r#"{"$mul":{"a.$":5}}"#,
        "null",
        r#"{"a":[1,10]}"#,
    );
    positional(
        r#"{"a":[{"b":[1]},{"b":[2]}]}"#,
        r#"{"a.b":2}"#,
        r#"{"$push":{"a.$.b":3}}"#,
        "null",
        r#"{"a":[{"b":[1]},{"b":[2,3]}]}"#,
    );
    for filter in ["{}", r#"{"a":{"$ne":5}}"#, r#"{"$or":[{"a":1},{"a":2}]}"#, r#"{"a.0":1}"#] {
        positional_refused(
            r#"{"a":[1,2]}"#,
            filter,
            r#"{"$set":{"a.$":1}}"#,
            "null",
            "did not find the match",
        );
    }
    positional_refused("{}", "{}", r#"{"$set":{"$.a":1}}"#, "null", "cannot start");
    positional_refused("{}", "{}", r#"{"$set":{"a.$.b.$":1}}"#, "null", "too many positional");
    positional_refused("{}", "{}", r#"{"$rename":{"a.$":"b"}}"#, "null", "source field for $rename");
    positional_refused("{}", "{}", r#"{"$rename":{"b":"a.$[]"}}"#, "null", "destination field for $rename");
}

#[test]
fn all_elements_change_by_brackets() {
    positional(r#"{"g":[85,82,80]}"#, "{}", r#"{"$inc":{"g.$[]":10}}"#, "null", r#"{"g":[95,92,90]}"#);
    positional(r#"{"g":[]}"#, "{}", r#"{"$inc":{"g.$[]":10}}"#, "null", r#"{"g":[]}"#);
    positional(
        r#"{"g":[{"s":[1,2]},{"s":[3]}]}"#,
        "{}",
        r#"{"$mul":{"g.$[].s.$[]":2}}"#,
        "null",
        r#"{"g":[{"s":[2,4]},{"s":[6]}]}"#,
    );
    positional(
        r#"{"g":[{"s":[1,2]},{"s":[3]}]}"#,
        "{}",
        r#"{"$pull":{"g.$[].s":{"$gte":2}}}"#,
        "null",
        r#"{"g":[{"s":[1]},{"s":[]}]}"#,
    );
    positional_refused("{}", "{}", r#"{"$set":{"g.$[]":1}}"#, "null", "'g' must exist");
    positional_refused(r#"{"g":5}"#, "{}", r#"{"$set":{"g.$[]":1}}"#, "null", "of type int");
}

/// A filter's path once began inside an element that is an array, as `$elemMatch` does, and chose nothing.
#[test]
fn the_path_of_an_array_filter_looks_into_elements_that_are_arrays() {
    let nested = r#"{"g":[[{"x":5}],[{"x":1},2],{"x":7},9]}"#;
    let update = r#"{"$set":{"g.$[e]":0}}"#;
    positional(nested, "{}", update, r#"[{"e.x":{"$gte":5}}]"#, r#"{"g":[0,[{"x":1},2],0,9]}"#);
    positional(nested, "{}", update, r#"[{"e":{"$gte":2}}]"#, r#"{"g":[[{"x":5}],0,{"x":7},0]}"#);
    positional(nested, "{}", update, r#"[{"e.1":2}]"#, r#"{"g":[[{"x":5}],0,{"x":7},9]}"#);
}

#[test]
fn array_filters_choose_elements() {
    let update = r#"{"$set":{"g.$[x]":100}}"#;
    positional(
        r#"{"g":[95,102,90,150]}"#,
        "{}",
        update,
        r#"[{"x":{"$gte":100}}]"#,
        r#"{"g":[95,100,90,100]}"#,
    );
    let nested = r#"{"g":[{"n":80,"m":75},{"n":85,"m":90},{"n":85,"m":85}]}"#;
    let set = r#"{"$set":{"g.$[e].m":100}}"#;
    positional(
        nested,
        "{}",
        set,
        r#"[{"e.n":{"$gte":85}}]"#,
        r#"{"g":[{"n":80,"m":75},{"n":85,"m":100},{"n":85,"m":100}]}"#,
    );
    let both = r#"[{"e.n":{"$gte":85},"e.m":{"$gte":90}}]"#;
    positional(nested, "{}", set, both, r#"{"g":[{"n":80,"m":75},{"n":85,"m":100},{"n":85,"m":85}]}"#);
    let either = r#"[{"$or":[{"e.n":80},{"e.m":85}]}]"#;
    positional(nested, "{}", set, either, r#"{"g":[{"n":80,"m":100},{"n":85,"m":90},{"n":85,"m":100}]}"#);
    positional(
        r#"{"g":[{"t":"a","q":[1,9]},{"t":"b","q":[9]}]}"#,
        "{}",
        r#"{"$inc":{"g.$[t].q.$[s]":2}}"#,
        r#"[{"t.t":"a"},{"s":{"$gt":5}}]"#,
        r#"{"g":[{"t":"a","q":[1,11]},{"t":"b","q":[9]}]}"#,
    );
    positional(
        r#"{"g":["Ada","bob"]}"#,
        "{}",
        r#"{"$set":{"g.$[x]":0}}"#,
        r#"[{"x":{"$regularExpression":{"pattern":"^a","options":"i"}}}]"#,
        r#"{"g":[0,"bob"]}"#,
    );
    positional_refused("{}", "{}", update, "[]", "no array filter found for identifier 'x'");
    positional_refused("{}", "{}", update, r#"[{"x":1},{"y":1}]"#, "identifier 'y' was not used");
    positional_refused("{}", "{}", update, r#"[{"x":1},{"x":2}]"#, "the name 'x'");
    positional_refused("{}", "{}", update, r#"[{"x":1,"y":2}]"#, "about one element");
    positional_refused("{}", "{}", update, r#"[{"X":1}]"#, "lowercase letter");
    positional_refused("{}", "{}", update, "[{}]", "must name its element");
    positional_refused("{}", "{}", update, "5", "must be an array");
    positional_refused("{}", "{}", update, r#"[{"x":{"$foo":1}}]"#, "unknown operator");
    positional_refused("{}", "{}", r#"{"$set":{"a":1}}"#, r#"[{"x":1}]"#, "was not used");
}

#[test]
fn positional_paths_that_meet_conflict() {
    let one = r#"[{"x":1}]"#;
    positional_refused(r#"{"a":[1]}"#, "{}", r#"{"$set":{"a.$[x]":5,"a.0":6}}"#, one, "conflict");
    positional_refused(
        r#"{"a":[1]}"#,
        "{}",
        r#"{"$set":{"a.$[x]":5},"$inc":{"a.$[]":6}}"#,
        one,
        "conflict at 'a.0'",
    );
    positional_refused(
        r#"{"a":[1]}"#,
        r#"{"a":1}"#,
        r#"{"$set":{"a.$":5,"a.0":6}}"#,
        "null",
        "conflict at 'a.0'",
    );
    positional(r#"{"a":[1,2]}"#, r#"{"a":2}"#, r#"{"$set":{"a.$":5,"a.0":6}}"#, "null", r#"{"a":[6,5]}"#);
    positional(
        r#"{"a":[{},{}]}"#,
        "{}",
        r#"{"$set":{"a.$[].x":5,"a.$[].y":6}}"#,
        "null",
        r#"{"a":[{"x":5,"y":6},{"x":5,"y":6}]}"#,
    );
}
