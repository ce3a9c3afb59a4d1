//! Projections and sorts, by MongoDB's manual.

use super::testing::{encoded, value};
use crate::error::Kind;
use crate::query::{Projection, Sort};

#[track_caller]
fn projects(projection: &str, document: &str, result: &str) {
    let parsed = Projection::parse(encoded(projection).raw()).unwrap().unwrap();
    assert_eq!(parsed.apply(encoded(document).raw()), value(result), "{projection} of {document}");
}

#[track_caller]
fn projection_refused(projection: &str, path: &str, words: &str) {
    let error = Projection::parse(encoded(projection).raw()).expect_err(projection);
    assert_eq!((error.kind(), error.details().path.as_deref()), (Kind::BadQuery, Some(path)), "{error}");
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn inclusion_keeps_named_fields_and_id_in_document_order() {
    let document = r#"{"_id":1,"a":1,"b":{"c":2,"d":3},"e":[{"f":1,"g":2},5,[{"f":3}]]}"#;
    projects(r#"{"b":1,"a":true}"#, document, r#"{"_id":1,"a":1,"b":{"c":2,"d":3}}"#);
    projects(r#"{"_id":0,"b.d":1}"#, document, r#"{"b":{"d":3}}"#);
    projects(r#"{"b":{"d":1},"_id":0}"#, document, r#"{"b":{"d":3}}"#);
    projects(r#"{"_id":0,"e.f":1}"#, document, r#"{"e":[{"f":1},[{"f":3}]]}"#);
    projects(r#"{"a.x":1,"zz":1}"#, document, r#"{"_id":1}"#);
    projects(r#"{"b.x":1}"#, document, r#"{"_id":1,"b":{}}"#);
    projects(r#"{"_id":1}"#, document, r#"{"_id":1}"#);
}

#[test]
fn exclusion_drops_named_fields() {
    let document = r#"{"_id":1,"a":1,"b":{"c":2,"d":3},"e":[{"f":1,"g":2},5]}"#;
    projects(r#"{"a":0,"b.c":false}"#, document, r#"{"_id":1,"b":{"d":3},"e":[{"f":1,"g":2},5]}"#);
    projects(r#"{"_id":0}"#, document, r#"{"a":1,"b":{"c":2,"d":3},"e":[{"f":1,"g":2},5]}"#);
    projects(r#"{"_id":1,"a":0,"b":0}"#, document, r#"{"_id":1,"e":[{"f":1,"g":2},5]}"#);
    projects(r#"{"e.f":0,"b":0,"a.x":0}"#, document, r#"{"_id":1,"a":1,"e":[{"g":2},5]}"#);
}

#[test]
fn parts_of_an_id_are_projected_like_other_fields() {
    projects(r#"{"_id.a":1}"#, r#"{"_id":{"a":1,"b":2},"c":1}"#, r#"{"_id":{"a":1}}"#);
    projects(r#"{"_id.a":0}"#, r#"{"_id":{"a":1,"b":2},"c":1}"#, r#"{"_id":{"b":2},"c":1}"#);
}

#[test]
fn malformed_projections_name_the_path() {
    assert!(Projection::parse(encoded("{}").raw()).unwrap().is_none());
    assert!(Projection::parse(encoded("null").raw()).unwrap().is_none());
    projection_refused(r#"{"a":1,"b":0}"#, "b", "cannot exclude 'b'");
    projection_refused(r#"{"a":0,"b.c":1}"#, "b.c", "cannot include 'b.c'");
    projection_refused(r#"{"a":1,"a.b":1}"#, "a.b", "two things");
    projection_refused(r#"{"a.b":1,"a":1}"#, "a", "two things");
    projection_refused(r#"{"a":"x"}"#, "a", "not string");
    projection_refused(r#"{"a":{"$slice":1}}"#, "a", "unknown operator '$slice'");
    projection_refused(r#"{"a":{}}"#, "a", "empty object");
    projection_refused(r#"{"a..b":1}"#, "a..b", "empty");
    projection_refused(r#"{"a.$":1}"#, "a.$", "start with '$'");
}

#[track_caller]
fn sorts(sort: &str, documents: &[&str]) {
    let parsed = Sort::parse(encoded(sort).raw()).unwrap().unwrap();
    let keys: Vec<_> = documents.iter().map(|document| parsed.key(encoded(document).raw())).collect();
    for (n, pair) in keys.windows(2).enumerate() {
        assert!(pair[0] < pair[1], "{sort}: {} before {}", documents[n], documents[n + 1]);
    }
}

#[track_caller]
fn ties(sort: &str, a: &str, b: &str) {
    let parsed = Sort::parse(encoded(sort).raw()).unwrap().unwrap();
    assert!(parsed.key(encoded(a).raw()) == parsed.key(encoded(b).raw()), "{sort}: {a} as {b}");
}

#[test]
fn values_sort_by_type_then_value() {
    let ascending = [
        r#"{"a":[]}"#,
        "{}",
        r#"{"a":{"@double":"NaN"}}"#,
        r#"{"a":-5}"#,
        r#"{"a":{"@long":3}}"#,
        r#"{"a":3.5}"#,
        r#"{"a":"a"}"#,
        r#"{"a":"b"}"#,
        r#"{"a":{"x":1}}"#,
        r#"{"a":[[1]]}"#,
        r#"{"a":{"@bytes":"zz"}}"#,
        r#"{"a":{"@bytes":"aaa"}}"#,
        r#"{"a":false}"#,
        r#"{"a":true}"#,
        r#"{"a":{"@date":1}}"#,
    ];
    sorts(r#"[["a",1]]"#, &ascending);
    let descending: Vec<_> = ascending.iter().rev().copied().collect();
    sorts(r#"[["a",-1]]"#, &descending);
    ties(r#"[["a",1]]"#, "{}", r#"{"a":null}"#);
    ties(r#"[["a",1]]"#, r#"{"a":1}"#, r#"{"a":{"@long":1}}"#);
}

#[test]
fn arrays_sort_by_their_smallest_or_largest_element() {
    sorts(r#"[["a",1]]"#, &[r#"{"a":[9,1]}"#, r#"{"a":2}"#, r#"{"a":[3,8]}"#]);
    sorts(r#"[["a",-1]]"#, &[r#"{"a":[9,1]}"#, r#"{"a":[3,8]}"#, r#"{"a":2}"#]);
    sorts(r#"[["a.b",1]]"#, &[r#"{"a":[{"b":5},{}]}"#, r#"{"a":[{"b":1},{"b":9}]}"#, r#"{"a":{"b":2}}"#]);
    sorts(r#"[["a.1",1]]"#, &[r#"{"a":[9,1]}"#, r#"{"a":[1,2]}"#, r#"{"a":{"1":3}}"#]);
    ties(r#"[["a.b",1]]"#, r#"{"a":[]}"#, "{}");
}

#[test]
fn later_keys_break_ties() {
    sorts(r#"[["a",1],["b",-1]]"#, &[r#"{"a":1,"b":2}"#, r#"{"a":1,"b":1}"#, r#"{"a":2,"b":9}"#]);
}

#[test]
fn malformed_sorts_are_refused() {
    assert!(Sort::parse(encoded("[]").raw()).unwrap().is_none());
    assert!(Sort::parse(encoded("null").raw()).unwrap().is_none());
    let pairs: Vec<_> = (0..33).map(|n| format!(r#"["f{n}",1]"#)).collect();
    let long = format!("[{}]", pairs.join(","));
    let full = format!("[{}]", pairs[..32].join(","));
    assert!(Sort::parse(encoded(&full).raw()).is_ok());
    for bad in
        [r#"[["a",2]]"#, r#"[["a",1],["a",-1]]"#, r#"[["a..b",1]]"#, r#"["a"]"#, r#"[["a"]]"#, "{}", &long]
    {
        let error = Sort::parse(encoded(bad).raw()).expect_err(bad);
        assert_eq!(error.kind(), Kind::BadQuery);
    }
}
