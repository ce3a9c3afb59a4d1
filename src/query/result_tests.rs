//! Projections and sorts, by MongoDB's manual.

use super::testing::{encoded, value};
use crate::error::Kind;
use crate::error::codes::Code;
use crate::query::{Filter, Projection, Sort};

#[track_caller]
fn projects(projection: &str, document: &str, result: &str) {
    let parsed = Projection::parse(encoded(projection).raw()).unwrap().unwrap();
    assert_eq!(
        parsed.apply(encoded(document).raw(), &Filter::all()).unwrap(),
        value(result),
        "{projection} of {document}"
    );
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
fn slices_keep_other_fields_unless_fields_are_included() {
    let document = r#"{"_id":1,"a":[1,2,3,4],"b":[{"c":[1,2,3],"d":1},{"c":5}],"e":2}"#;
    let all = |a: &str| format!(r#"{{"_id":1,"a":{a},"b":[{{"c":[1,2,3],"d":1}},{{"c":5}}],"e":2}}"#);
    for (slice, kept) in [
        ("2", "[1,2]"),
        ("-1", "[4]"),
        ("0", "[]"),
        ("9", "[1,2,3,4]"),
        ("-9", "[1,2,3,4]"),
        ("[1,2]", "[2,3]"),
        ("[-3,2]", "[2,3]"),
        ("[-9,2]", "[1,2]"),
        ("[9,2]", "[]"),
        ("1.9", "[1]"),
    ] {
        projects(&format!(r#"{{"a":{{"$slice":{slice}}}}}"#), document, &all(kept));
    }
    projects(r#"{"a":{"$slice":1},"e":1}"#, document, r#"{"_id":1,"a":[1],"e":2}"#);
    projects(r#"{"a":{"$slice":1},"b":0}"#, document, r#"{"_id":1,"a":[1],"e":2}"#);
    projects(r#"{"a":{"$slice":1},"_id":1}"#, document, r#"{"_id":1,"a":[1]}"#);
    projects(r#"{"e":{"$slice":1},"a":0,"b":0}"#, document, r#"{"_id":1,"e":2}"#);
    projects(r#"{"b":{"c":{"$slice":1}},"e":1}"#, document, r#"{"_id":1,"b":[{"c":[1]},{"c":5}],"e":2}"#);
}

#[test]
fn elem_match_projects_the_first_element_that_fits() {
    let document = r#"{"_id":1,"zip":"63109","s":[{"n":"j","school":102},{"n":"d","school":100},{"n":"e","school":102}],"t":[1,5,7]}"#;
    projects(r#"{"s":{"$elemMatch":{"school":102}}}"#, document, r#"{"_id":1,"s":[{"n":"j","school":102}]}"#);
    projects(
        r#"{"zip":1,"s":{"$elemMatch":{"school":102,"n":"e"}}}"#,
        document,
        r#"{"_id":1,"zip":"63109","s":[{"n":"e","school":102}]}"#,
    );
    projects(r#"{"s":{"$elemMatch":{"school":1}}}"#, document, r#"{"_id":1}"#);
    projects(r#"{"t":{"$elemMatch":{"$gt":4}},"_id":0}"#, document, r#"{"t":[5]}"#);
    projects(r#"{"zip":{"$elemMatch":{"$gt":4}}}"#, document, r#"{"_id":1}"#);
    projects(r#"{"s":0,"t":{"$elemMatch":{"$gt":5}}}"#, document, r#"{"_id":1,"zip":"63109","t":[7]}"#);
}

#[track_caller]
fn positional(filter: &str, projection: &str, document: &str, result: Result<&str, &str>) {
    let filter = Filter::parse(encoded(filter).raw()).unwrap();
    let document = encoded(document);
    assert!(filter.matches(document.raw()));
    let parsed = Projection::parse(encoded(projection).raw()).unwrap().unwrap();
    match (parsed.apply(document.raw(), &filter), result) {
        (Ok(found), Ok(wanted)) => assert_eq!(found, value(wanted)),
        (Err(error), Err(words)) => assert!(error.message().contains(words), "{error}"),
        (found, wanted) => panic!("{found:?} instead of {wanted:?}"),
    }
}

#[test]
fn positional_projection_keeps_the_element_that_matched() {
    let document = r#"{"_id":1,"semester":1,"grades":[70,87,90]}"#;
    positional(r#"{"grades":{"$gte":85}}"#, r#"{"grades.$":1}"#, document, Ok(r#"{"_id":1,"grades":[87]}"#));
    positional(
        r#"{"semester":1,"grades":90}"#,
        r#"{"grades.$":1,"semester":1}"#,
        document,
        Ok(r#"{"_id":1,"semester":1,"grades":[90]}"#),
    );
    let nested = r#"{"_id":1,"g":[7,{"m":80,"s":8},{"m":95,"s":5}]}"#;
    positional(
        r#"{"g":{"$elemMatch":{"m":{"$gt":90}}}}"#,
        r#"{"g.$":1}"#,
        nested,
        Ok(r#"{"_id":1,"g":[{"m":95,"s":5}]}"#),
    );
    positional(r#"{"g.m":95}"#, r#"{"g.m.$":1}"#, nested, Ok(r#"{"_id":1,"g":[{"m":95}]}"#));
    let below = r#"{"_id":1,"a":{"b":[1,2,3]}}"#;
    positional(r#"{"a.b":2}"#, r#"{"a.b.$":1}"#, below, Ok(r#"{"_id":1,"a":{"b":[2]}}"#));
    positional(r#"{"_id":1}"#, r#"{"a.b.$":1}"#, below, Err("found no matching element"));
    positional(r#"{"_id":1}"#, r#"{"semester.$":1}"#, document, Ok(r#"{"_id":1,"semester":1}"#));
}

#[test]
fn expressions_make_fields_behind_those_that_stay() {
    let document = r#"{"_id":1,"a":2,"b":3,"c":[{"n":1},{"n":2}],"d":{"e":4,"f":5}}"#;
    projects(r#"{"sum":{"$add":["$a","$b"]}}"#, document, r#"{"_id":1,"sum":5}"#);
    projects(r#"{"sum":{"$add":["$a","$b"]},"b":1,"_id":0}"#, document, r#"{"b":3,"sum":5}"#);
    projects(
        r#"{"_id":0,"x":"$d.e","lit":"text","one":{"$literal":1},"list":["$a","x"]}"#,
        document,
        r#"{"x":4,"lit":"text","one":1,"list":[2,"x"]}"#,
    );
    projects(r#"{"_id":0,"d.g":"$a","d.e":1}"#, document, r#"{"d":{"e":4,"g":2}}"#);
    projects(r#"{"_id":0,"d":{"g":"$a"}}"#, document, r#"{"d":{"g":2}}"#);
    projects(r#"{"_id":0,"c.n":"$a"}"#, document, r#"{"c":[{"n":2},{"n":2}]}"#);
    projects(r#"{"_id":0,"a.x":"$b","z.y":"$b"}"#, document, r#"{"a":{"x":3},"z":{"y":3}}"#);
    projects(r#"{"_id":0,"a":"$missing","b":1}"#, document, r#"{"b":3}"#);
    projects(r#"{"_id":"$a"}"#, document, r#"{"_id":2}"#);
    projects(r#"{"_id":0,"c":{"$slice":["$c",1]}}"#, document, r#"{"c":[{"n":1}]}"#);
    projects(r#"{"_id":0,"when":null,"a":{"$slice":1}}"#, document, r#"{"a":2,"when":null}"#);
    projects(r#"{"_id":0,"m":{"$map":{"input":"$c","in":"$$this.n"}}}"#, document, r#"{"m":[1,2]}"#);
    projection_refused(r#"{"a":0,"b":"$c"}"#, "b", "cannot include 'b'");
    projection_refused(r#"{"b":"$c","a":0}"#, "a", "cannot exclude 'a'");
    projection_refused(r#"{"a":"$b","a.c":1}"#, "a.c", "two things");
    projection_refused(r#"{"a.c":1,"a":"$b"}"#, "a", "two things");
    projection_refused(r#"{"_id":"$a","_id.b":1}"#, "_id.b", "two things");
    projection_refused(r#"{"a":"$"}"#, "a", "no field path");
    projection_refused(r#"{"a":"$$nope"}"#, "a", "no variable");
    projection_refused(r#"{"a":{"$add":1,"b":1}}"#, "a", "one operator");
    let document = encoded(r#"{"a":1,"b":0}"#);
    let parsed = Projection::parse(encoded(r#"{"x":{"$divide":["$a","$b"]}}"#).raw()).unwrap().unwrap();
    let error = parsed.apply(document.raw(), &Filter::all()).unwrap_err();
    assert_eq!(error.kind(), Kind::BadQuery, "{error}");
    let deep = format!("{}1{}", r#"{"a":"#.repeat(99), "}".repeat(99));
    let document = encoded(&deep);
    let parsed = Projection::parse(encoded(r#"{"x.y":"$$ROOT"}"#).raw()).unwrap().unwrap();
    let error = parsed.apply(document.raw(), &Filter::all()).unwrap_err();
    assert!(error.message().contains("deeper than 100"), "{error}");
    for unknown in [r#"{"a":"$$NOW"}"#, r#"{"a":{"$rand":{}}}"#, r#"{"a":{"$meta":"textScore"}}"#] {
        let error = Projection::parse(encoded(unknown).raw()).expect_err(unknown);
        assert_eq!(error.kind(), Kind::NotSupported, "{error}");
    }
}

#[test]
fn malformed_projections_name_the_path() {
    assert!(Projection::parse(encoded("{}").raw()).unwrap().is_none());
    assert!(Projection::parse(encoded("null").raw()).unwrap().is_none());
    projection_refused(r#"{"a":1,"b":0}"#, "b", "cannot exclude 'b'");
    projection_refused(r#"{"a":0,"b.c":1}"#, "b.c", "cannot include 'b.c'");
    projection_refused(r#"{"a":1,"a.b":1}"#, "a.b", "two things");
    projection_refused(r#"{"a.b":1,"a":1}"#, "a", "two things");
    projection_refused(r#"{"a":{"$foo":1}}"#, "a.$foo", "unknown expression operator '$foo'");
    projection_refused(r#"{"a":{}}"#, "a", "empty object");
    projection_refused(r#"{"a..b":1}"#, "a..b", "empty");
    projection_refused(r#"{"a.$b":1}"#, "a.$b", "start with '$'");
    projection_refused(r#"{"a.$":0}"#, "a.$", "included");
    projection_refused(r#"{"a.$":1,"b":0}"#, "b", "cannot exclude 'b'");
    projection_refused(r#"{"a.$":1,"b.$":1}"#, "b.$", "at most one");
    projection_refused(r#"{"a.$.b":1}"#, "a.$.b", "at the end");
    projection_refused(r#"{"a.$":1,"a":1}"#, "a", "two things");
    projection_refused(r#"{"a":{"$slice":"x"}}"#, "a", "needs a number");
    projection_refused(r#"{"a":{"$slice":[1,0]}}"#, "a", "must be positive");
    projection_refused(r#"{"a":{"$slice":[1]}}"#, "a", "two in an array");
    projection_refused(r#"{"a.b":{"$elemMatch":{"c":1}}}"#, "a.b", "inside another field");
    projection_refused(r#"{"a":{"$elemMatch":1}}"#, "a", "needs an object");
    projection_refused(r#"{"a":{"$slice":1,"$elemMatch":{}}}"#, "a", "one operator");
}

#[track_caller]
fn sorts(sort: &str, documents: &[&str]) {
    let parsed = Sort::parse(encoded(sort).raw()).unwrap().unwrap();
    let keys: Vec<_> =
        documents.iter().map(|document| parsed.key(encoded(document).raw()).unwrap()).collect();
    for (n, pair) in keys.windows(2).enumerate() {
        assert!(pair[0] < pair[1], "{sort}: {} before {}", documents[n], documents[n + 1]);
    }
}

#[track_caller]
fn ties(sort: &str, a: &str, b: &str) {
    let parsed = Sort::parse(encoded(sort).raw()).unwrap().unwrap();
    let key = |document| parsed.key(encoded(document).raw()).unwrap();
    assert!(key(a) == key(b), "{sort}: {a} as {b}");
}

#[test]
fn arrays_at_two_paths_of_a_sort_are_refused_unless_they_are_one() {
    let sort = |paths: [&str; 2]| {
        let text = format!(r#"[["{}", 1], ["{}", -1]]"#, paths[0], paths[1]);
        Sort::parse(encoded(&text).raw()).unwrap().unwrap()
    };
    for (paths, document, parallel) in [
        (["a", "b"], r#"{"a": [1], "b": [2]}"#, true),
        (["a", "b"], r#"{"a": [], "b": []}"#, true),
        (["a", "b"], r#"{"a": [1, 2], "b": 2}"#, false),
        (["a", "b"], r#"{"b": [1, 2]}"#, false),
        (["a.x", "a.y"], r#"{"a": [{"x": 1, "y": 2}, {"x": 3}]}"#, false),
        (["a.x", "a.y"], r#"{"a": {"x": [1], "y": [2]}}"#, true),
        (["a.x", "a.y"], r#"{"a": [{"x": 1, "y": [2]}, {"x": [1], "y": 2}]}"#, false),
        (["a.x", "a.y"], r#"{"a": [{"x": 1}, {"x": [1], "y": [2]}]}"#, true),
        (["a.0", "b"], r#"{"a": [1], "b": [2]}"#, true),
        (["a.0", "a.1"], r#"{"a": [[1], [2]]}"#, false),
        (["a", "a.x"], r#"{"a": [{"x": 1}]}"#, false),
        (["a.x", "b.x"], r#"{"a": [{"x": 1}], "b": [{"x": 1}]}"#, true),
    ] {
        let key = sort(paths).key(encoded(document).raw());
        assert_eq!(key.is_err(), parallel, "{paths:?} {document}");
        if let Err(error) = key {
            assert_eq!(error.code().map(Code::number), Some(2));
            assert!(error.message().starts_with("cannot sort with keys that are parallel arrays"));
        }
    }
}

#[test]
fn values_sort_by_type_then_value() {
    let ascending = [
        r#"{"a":[]}"#,
        "{}",
        r#"{"a":{"$numberDouble": "NaN"}}"#,
        r#"{"a":-5}"#,
        r#"{"a":{"$numberLong": "3"}}"#,
        r#"{"a":3.5}"#,
        r#"{"a":"a"}"#,
        r#"{"a":"b"}"#,
        r#"{"a":{"x":1}}"#,
        r#"{"a":[[1]]}"#,
        r#"{"a":{"$binary": {"base64": "eno=", "subType": "00"}}}"#,
        r#"{"a":{"$binary": {"base64": "YWFh", "subType": "00"}}}"#,
        r#"{"a":false}"#,
        r#"{"a":true}"#,
        r#"{"a":{"$date": {"$numberLong": "1"}}}"#,
    ];
    sorts(r#"[["a",1]]"#, &ascending);
    let descending: Vec<_> = ascending.iter().rev().copied().collect();
    sorts(r#"[["a",-1]]"#, &descending);
    ties(r#"[["a",1]]"#, "{}", r#"{"a":null}"#);
    ties(r#"[["a",1]]"#, r#"{"a":1}"#, r#"{"a":{"$numberLong": "1"}}"#);
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
