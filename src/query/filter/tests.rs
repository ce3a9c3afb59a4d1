//! What filters match, by MongoDB's manual.

use crate::document::Value;
use crate::error::Kind;
use crate::query::Filter;
use crate::query::testing::{encoded, object, value};

fn filter(json: &str) -> Filter {
    Filter::parse(encoded(json).raw()).unwrap_or_else(|error| panic!("{error} in {json}"))
}

#[track_caller]
fn check(query: &str, matching: &[&str], others: &[&str]) {
    let filter = filter(query);
    for document in matching {
        assert!(filter.matches(encoded(document).raw()), "{query} should match {document}");
    }
    for document in others {
        assert!(!filter.matches(encoded(document).raw()), "{query} should not match {document}");
    }
}

#[track_caller]
fn refused(query: &str, path: Option<&str>, words: &str) {
    let error = Filter::parse(encoded(query).raw()).expect_err(query);
    assert_eq!(error.kind(), Kind::BadQuery);
    assert_eq!(error.details().path.as_deref(), path, "{error}");
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn empty_filter_matches_everything() {
    check("{}", &["{}", r#"{"a":1}"#], &[]);
    check(r#"{"$comment":"why"}"#, &["{}"], &[]);
    assert!(filter("{}").is_all() && Filter::all().is_all() && filter(r#"{"$comment":1}"#).is_all());
    assert!(!filter(r#"{"a":1}"#).is_all());
}

#[test]
fn equality_is_by_value_across_number_types() {
    check(
        r#"{"a":1}"#,
        &[r#"{"a":1}"#, r#"{"a":{"$numberLong": "1"}}"#, r#"{"a":[0,1]}"#],
        &[r#"{"a":2}"#, r#"{"a":"1"}"#, "{}", r#"{"a":[[1]]}"#, r#"{"a":true}"#],
    );
    check(r#"{"a":0}"#, &[r#"{"a":{"$numberDouble": "-0"}}"#], &[r#"{"a":null}"#, r#"{"a":false}"#]);
    check(
        r#"{"a":{"$eq":{"$numberDouble": "NaN"}}}"#,
        &[r#"{"a":{"$numberDouble": "NaN"}}"#],
        &[r#"{"a":0}"#],
    );
}

#[test]
fn objects_are_equal_with_the_same_fields_in_the_same_order() {
    check(
        r#"{"a":{"x":1,"y":2}}"#,
        &[r#"{"a":{"x":1,"y":2}}"#, r#"{"a":[{"x":1,"y":2}]}"#],
        &[r#"{"a":{"y":2,"x":1}}"#, r#"{"a":{"x":1,"y":2,"z":3}}"#, r#"{"a":{"x":1}}"#],
    );
    check(r#"{"a":{}}"#, &[r#"{"a":{}}"#], &["{}", r#"{"a":{"b":1}}"#]);
}

#[test]
fn arrays_equal_as_a_whole_or_as_an_element() {
    check(
        r#"{"a":[1,2]}"#,
        &[r#"{"a":[1,2]}"#, r#"{"a":[[1,2],3]}"#],
        &[r#"{"a":[2,1]}"#, r#"{"a":[1,2,3]}"#, r#"{"a":1}"#],
    );
    check(r#"{"a":[]}"#, &[r#"{"a":[]}"#, r#"{"a":[[]]}"#], &["{}", r#"{"a":[1]}"#]);
}

#[test]
fn null_matches_null_and_missing() {
    check(
        r#"{"a":null}"#,
        &["{}", r#"{"a":null}"#, r#"{"a":[1,null]}"#],
        &[r#"{"a":0}"#, r#"{"a":[]}"#, r#"{"a":false}"#],
    );
    check(
        r#"{"a.b":null}"#,
        &["{}", r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"a":[{"b":1},{}]}"#],
        &[r#"{"a":[]}"#, r#"{"a":[1]}"#, r#"{"a":[{"b":1}]}"#],
    );
    check(r#"{"a":{"$gte":null}}"#, &["{}", r#"{"a":null}"#], &[r#"{"a":1}"#]);
    check(r#"{"a":{"$gt":null}}"#, &[], &["{}", r#"{"a":null}"#, r#"{"a":1}"#]);
}

#[test]
fn comparisons_stay_within_the_type_of_the_operand() {
    check(
        r#"{"a":{"$gt":5}}"#,
        &[r#"{"a":6}"#, r#"{"a":{"$numberLong": "6"}}"#, r#"{"a":5.5}"#, r#"{"a":[1,9]}"#],
        &[r#"{"a":5}"#, r#"{"a":"9"}"#, r#"{"a":true}"#, r#"{"a":{"$date": {"$numberLong": "9"}}}"#, "{}"],
    );
    check(
        r#"{"a":{"$lt":5}}"#,
        &[r#"{"a":4}"#],
        &[r#"{"a":null}"#, "{}", r#"{"a":{"$numberDouble": "NaN"}}"#],
    );
    check(r#"{"a":{"$lte":"b"}}"#, &[r#"{"a":"b"}"#, r#"{"a":"a"}"#, r#"{"a":"A"}"#], &[r#"{"a":"c"}"#]);
    check(
        r#"{"a":{"$gte":{"$date": {"$numberLong": "5"}}}}"#,
        &[r#"{"a":{"$date": {"$numberLong": "5"}}}"#],
        &[r#"{"a":{"$date": {"$numberLong": "4"}}}"#, r#"{"a":7}"#],
    );
    check(r#"{"a":{"$gt":[1]}}"#, &[r#"{"a":[1,0]}"#, r#"{"a":[2]}"#], &[r#"{"a":[1]}"#, r#"{"a":2}"#]);
    check(
        r#"{"a":{"$gte":{"$numberDouble": "NaN"}}}"#,
        &[r#"{"a":{"$numberDouble": "NaN"}}"#],
        &[r#"{"a":1}"#],
    );
}

#[test]
fn several_operators_on_an_array_may_be_met_by_different_elements() {
    check(r#"{"a":{"$gt":5,"$lt":3}}"#, &[r#"{"a":[1,9]}"#], &[r#"{"a":4}"#, r#"{"a":[4]}"#]);
}

#[test]
fn negations_match_what_is_missing() {
    check(r#"{"a":{"$ne":1}}"#, &["{}", r#"{"a":2}"#, r#"{"a":[2]}"#], &[r#"{"a":1}"#, r#"{"a":[1,2]}"#]);
    check(r#"{"a":{"$ne":null}}"#, &[r#"{"a":1}"#], &["{}", r#"{"a":null}"#]);
    check(r#"{"a":{"$nin":[1,2]}}"#, &["{}", r#"{"a":3}"#], &[r#"{"a":2}"#, r#"{"a":[3,1]}"#]);
    check(r#"{"a":{"$not":{"$gt":5}}}"#, &["{}", r#"{"a":5}"#, r#"{"a":"x"}"#], &[r#"{"a":6}"#]);
    check(r#"{"$nor":[{"a":1},{"b":1}]}"#, &["{}", r#"{"a":2}"#], &[r#"{"a":1}"#, r#"{"b":1}"#]);
}

#[test]
fn in_takes_any_of_its_values() {
    check(
        r#"{"a":{"$in":["x",3,null,[7]]}}"#,
        &[r#"{"a":"x"}"#, r#"{"a":3}"#, "{}", r#"{"a":[1,3]}"#, r#"{"a":[7]}"#],
        &[r#"{"a":7}"#, r#"{"a":"y"}"#],
    );
    check(r#"{"a":{"$in":[]}}"#, &[], &["{}", r#"{"a":1}"#]);
    check(r#"{"a":{"$nin":[]}}"#, &["{}", r#"{"a":1}"#], &[]);
}

#[test]
fn exists_tells_null_from_missing() {
    check(r#"{"a":{"$exists":true}}"#, &[r#"{"a":null}"#, r#"{"a":[]}"#], &["{}"]);
    check(r#"{"a":{"$exists":0}}"#, &["{}"], &[r#"{"a":null}"#]);
    check(r#"{"a.b":{"$exists":true}}"#, &[r#"{"a":[{},{"b":1}]}"#], &[r#"{"a":[{}]}"#, r#"{"a":[]}"#]);
}

#[test]
fn dotted_paths_look_through_arrays() {
    check(
        r#"{"a.b":1}"#,
        &[r#"{"a":{"b":1}}"#, r#"{"a":[{"b":2},{"b":1}]}"#, r#"{"a":[{"b":[1]}]}"#],
        &[r#"{"a.b":1}"#, r#"{"a":[[{"b":1}]]}"#, r#"{"a":1}"#],
    );
    check(r#"{"a.0":1}"#, &[r#"{"a":[1,2]}"#, r#"{"a":{"0":1}}"#, r#"{"a":[{"0":1}]}"#], &[r#"{"a":[2,1]}"#]);
    check(
        r#"{"a.1.b":1}"#,
        &[r#"{"a":[0,{"b":1}]}"#, r#"{"a":[0,[{"b":1}]]}"#],
        &[r#"{"a":[{"b":1},{"b":2}]}"#],
    );
    check(r#"{"a.0":[1]}"#, &[r#"{"a":[[1]]}"#], &[r#"{"a":[1]}"#]);
    check(r#"{"a.0":1}"#, &[], &[r#"{"a":[[1]]}"#]);
    check(r#"{"a.0.0":1}"#, &[r#"{"a":[[1]]}"#], &[r#"{"a":[1]}"#]);
    check(r#"{"a.00":1}"#, &[], &[r#"{"a":[1]}"#]);
}

#[test]
fn logical_operators_nest() {
    check(
        r#"{"$or":[{"a":1,"b":1},{"$and":[{"a":2},{"$nor":[{"b":2}]}]}]}"#,
        &[r#"{"a":1,"b":1}"#, r#"{"a":2}"#],
        &[r#"{"a":1}"#, r#"{"a":2,"b":2}"#],
    );
}

#[test]
fn type_is_of_the_value_or_an_element() {
    check(r#"{"a":{"$type":"string"}}"#, &[r#"{"a":"x"}"#, r#"{"a":[1,"x"]}"#], &[r#"{"a":1}"#, "{}"]);
    check(r#"{"a":{"$type":4}}"#, &[r#"{"a":[]}"#, r#"{"a":[[]]}"#], &[r#"{"a":1}"#]);
    check(
        r#"{"a":{"$type":["number","null"]}}"#,
        &[r#"{"a":1}"#, r#"{"a":1.5}"#, r#"{"a":{"$numberLong": "1"}}"#, r#"{"a":null}"#],
        &["{}", r#"{"a":"1"}"#],
    );
    check(r#"{"a":{"$type":16}}"#, &[r#"{"a":1}"#], &[r#"{"a":{"$numberLong": "1"}}"#, r#"{"a":0.5}"#]);
    check(r#"{"a":{"$type":"regex"}}"#, &[], &[r#"{"a":"x"}"#]);
    refused(r#"{"a":{"$type":"text"}}"#, Some("a"), "name or number of a type");
    refused(r#"{"a":{"$type":[]}}"#, Some("a"), "at least one type");
}

#[test]
fn size_counts_elements() {
    check(
        r#"{"a":{"$size":2}}"#,
        &[r#"{"a":[1,[2]]}"#],
        &[r#"{"a":[]}"#, r#"{"a":2}"#, r#"{"a":[[1,2]]}"#, "{}"],
    );
    check(r#"{"a":{"$size":0}}"#, &[r#"{"a":[]}"#], &["{}", r#"{"a":""}"#]);
    refused(r#"{"a":{"$size":-1}}"#, Some("a"), "not negative");
    refused(r#"{"a":{"$size":1.5}}"#, Some("a"), "integer");
}

#[test]
fn mod_divides_the_integer_part() {
    check(
        r#"{"a":{"$mod":[4,1]}}"#,
        &[r#"{"a":5}"#, r#"{"a":5.9}"#, r#"{"a":[4,9]}"#, r#"{"a":{"$numberLong": "1"}}"#],
        &[r#"{"a":4}"#, r#"{"a":-5}"#, r#"{"a":"5"}"#, r#"{"a":{"$numberDouble": "NaN"}}"#, "{}"],
    );
    check(r#"{"a":{"$mod":[4,-1]}}"#, &[r#"{"a":-5}"#], &[r#"{"a":5}"#]);
    check(r#"{"a":{"$mod":[-1,0]}}"#, &[r#"{"a":{"$numberLong": "-9223372036854775808"}}"#], &[]);
    refused(r#"{"a":{"$mod":[0,1]}}"#, Some("a"), "must not be 0");
    refused(r#"{"a":{"$mod":[4]}}"#, Some("a"), "two numbers");
    refused(r#"{"a":{"$mod":[4,1,1]}}"#, Some("a"), "two numbers");
}

#[test]
fn all_needs_each_of_its_values() {
    check(r#"{"a":{"$all":[1,2]}}"#, &[r#"{"a":[2,3,1]}"#], &[r#"{"a":[1]}"#, r#"{"a":1}"#, "{}"]);
    check(r#"{"a":{"$all":[1]}}"#, &[r#"{"a":1}"#, r#"{"a":[1]}"#], &[r#"{"a":[[1]]}"#]);
    check(r#"{"a":{"$all":[[1,2]]}}"#, &[r#"{"a":[1,2]}"#, r#"{"a":[[1,2]]}"#], &[r#"{"a":[2,1]}"#]);
    check(r#"{"a":{"$all":[]}}"#, &[], &["{}", r#"{"a":[]}"#]);
    check(
        r#"{"a":{"$all":[{"$elemMatch":{"b":1}},{"$elemMatch":{"b":2}}]}}"#,
        &[r#"{"a":[{"b":2},{"b":1}]}"#],
        &[r#"{"a":[{"b":1}]}"#],
    );
    refused(r#"{"a":{"$all":[{"$gt":1}]}}"#, Some("a"), "no other operators");
    refused(r#"{"a":{"$all":[{"$elemMatch":{}},1]}}"#, Some("a"), "not both");
    refused(r#"{"a":{"$all":1}}"#, Some("a"), "needs an array");
}

#[test]
fn elem_match_wants_one_element_for_all_conditions() {
    check(
        r#"{"a":{"$elemMatch":{"$gt":3,"$lt":5}}}"#,
        &[r#"{"a":[1,4]}"#],
        &[r#"{"a":[1,9]}"#, r#"{"a":4}"#, r#"{"a":[[4]]}"#],
    );
    check(
        r#"{"a":{"$elemMatch":{"b":1,"c":{"$gt":1}}}}"#,
        &[r#"{"a":[{"b":1},{"b":1,"c":2}]}"#],
        &[r#"{"a":[{"b":1},{"c":2}]}"#, r#"{"a":{"b":1,"c":2}}"#, "{}"],
    );
    check(
        r#"{"a":{"$elemMatch":{"$or":[{"b":1},{"c":1}]}}}"#,
        &[r#"{"a":[{"c":1}]}"#],
        &[r#"{"a":[{"d":1}]}"#],
    );
    check(r#"{"a":{"$elemMatch":{"$elemMatch":{"$eq":1}}}}"#, &[r#"{"a":[[1]]}"#], &[r#"{"a":[1]}"#]);
    check(r#"{"a":{"$elemMatch":{"0":1}}}"#, &[r#"{"a":[[1]]}"#], &[r#"{"a":[1]}"#, r#"{"a":[[2]]}"#]);
    check(r#"{"a":{"$elemMatch":{}}}"#, &[r#"{"a":[{}]}"#], &[r#"{"a":[1]}"#, r#"{"a":[]}"#]);
    check(r#"{"a":{"$not":{"$elemMatch":{"$gt":3}}}}"#, &[r#"{"a":[1]}"#, "{}"], &[r#"{"a":[4]}"#]);
    refused(r#"{"a":{"$elemMatch":1}}"#, Some("a"), "needs an object, not int");
    refused(r#"{"a":{"$elemMatch":{"$foo":1}}}"#, Some("a"), "'$foo'");
    refused(r#"{"a":{"$elemMatch":{"$expr":true}}}"#, Some("a"), "whole documents");
    refused(r#"{"a":{"$elemMatch":{"b":1,"$nor":[{"$jsonSchema":{}}]}}}"#, Some("a"), "whole documents");
}

#[test]
fn malformed_filters_name_the_path() {
    refused(r#"{"a":{"$foo":1}}"#, Some("a"), "unknown operator '$foo' at 'a'");
    refused(r#"{"x.y":{"$gt":1,"z":2}}"#, Some("x.y"), "'z'");
    refused(r#"{"$foo":"1"}"#, Some("$foo"), "unknown top-level operator '$foo'");
    refused(r#"{"a":{"$in":1}}"#, Some("a"), "needs an array, not int");
    refused(r#"{"a":{"$in":[{"$gt":1}]}}"#, Some("a"), "not operators");
    refused(r#"{"a":{"$not":5}}"#, Some("a"), "$not at 'a'");
    refused(r#"{"a":{"$not":{}}}"#, Some("a"), "$not at 'a'");
    refused(r#"{"$or":[]}"#, Some("$or"), "at least one");
    refused(r#"{"$and":{"a":1}}"#, Some("$and"), "must be an array");
    refused(r#"{"$and":[1]}"#, Some("$and"), "must be an object, not int");
    refused("[1]", None, "must be an object, not array");
}

#[test]
fn operators_that_are_not_there_are_not_supported() {
    let other = [
        r#"{"$where":"1"}"#,
        r#"{"$text":{"$search":"x"}}"#,
        r#"{"$sampleRate":0.5}"#,
        r#"{"a":{"$near":[1,2]}}"#,
        r#"{"a":{"$not":{"$geoWithin":{}}}}"#,
    ];
    for text in other {
        let error = Filter::parse(encoded(text).raw()).expect_err(text);
        assert_eq!(error.kind(), Kind::NotSupported, "{error}");
    }
}

#[test]
fn bits_are_tested_in_integers_and_bytes() {
    check(
        r#"{"a":{"$bitsAllSet":[1,5]}}"#,
        &[r#"{"a":54}"#, r#"{"a":{"$numberLong": "34"}}"#],
        &[r#"{"a":20}"#, r#"{"a":34.5}"#, "{}"],
    );
    check(
        r#"{"a":{"$bitsAllSet":50}}"#,
        &[r#"{"a":54}"#, r#"{"a":[1,50]}"#],
        &[r#"{"a":20}"#, r#"{"a":"x"}"#],
    );
    check(
        r#"{"a":{"$bitsAllClear":[1,5]}}"#,
        &[r#"{"a":20}"#, r#"{"a":{"$binary": {"base64": "BA==", "subType": "00"}}}"#],
        &[r#"{"a":54}"#, r#"{"a":22}"#],
    );
    check(
        r#"{"a":{"$bitsAnySet":{"$binary": {"base64": "Ag==", "subType": "00"}}}}"#,
        &[r#"{"a":{"$binary": {"base64": "AgE=", "subType": "00"}}}"#, r#"{"a":2}"#],
        &[r#"{"a":{"$binary": {"base64": "", "subType": "00"}}}"#, r#"{"a":1}"#],
    );
    check(r#"{"a":{"$bitsAnyClear":3}}"#, &[r#"{"a":1}"#, r#"{"a":4}"#], &[r#"{"a":3}"#]);
    check(
        r#"{"a":{"$bitsAllSet":[70]}}"#,
        &[r#"{"a":-1}"#],
        &[r#"{"a":1}"#, r#"{"a":{"$binary": {"base64": "eA==", "subType": "00"}}}"#],
    );
    check(r#"{"a":{"$bitsAllSet":0}}"#, &[r#"{"a":0}"#], &["{}"]);
    check(r#"{"a":{"$bitsAllSet":1}}"#, &[r#"{"a":4294967297}"#], &[r#"{"a":1e300}"#]);
    refused(r#"{"a":{"$bitsAllSet":-1}}"#, Some("a"), "needs a mask");
    refused(r#"{"a":{"$bitsAnySet":[1.5]}}"#, Some("a"), "needs a mask");
}

#[test]
fn id_is_found_where_the_filter_pins_it() {
    assert_eq!(filter(r#"{"_id":5,"a":1}"#).id(), Some(&Value::Int(5)));
    assert_eq!(filter(r#"{"$and":[{"a":1},{"_id":{"$eq":"x"}}]}"#).id(), Some(&value(r#""x""#)));
    assert_eq!(filter(r#"{"_id":{"$gt":5}}"#).id(), None);
    assert_eq!(filter(r#"{"$or":[{"_id":5},{"_id":6}]}"#).id(), None);
    assert_eq!(filter(r#"{"_id":{"$ne":5}}"#).id(), None);
    assert_eq!(filter(r#"{"_id.a":5}"#).id(), None);
}

#[test]
fn upsert_seed_takes_equalities_only() {
    let seed = filter(
        r#"{"b":1,"c.d":{"$eq":2},"c.e":[3],"_id":7,"n":{"$gt":1},"$or":[{"o":1},{"o":2}],"$and":[{"p":1}]}"#,
    );
    assert_eq!(seed.upsert_seed().unwrap(), object(r#"{"_id":7,"b":1,"c":{"d":2,"e":[3]},"p":1}"#));
    assert_eq!(filter("{}").upsert_seed().unwrap(), object("{}"));
    for twice in [r#"{"a":1,"a.b":2}"#, r#"{"$and":[{"a":1},{"a":2}]}"#] {
        let error = filter(twice).upsert_seed().expect_err(twice);
        assert_eq!((error.kind(), error.details().path.as_deref()), (Kind::BadQuery, Some("a")));
    }
}

#[test]
fn regular_expressions_find_strings_and_elements() {
    let js = |pattern: &str, options: &str| {
        format!(r#"{{"$regularExpression":{{"pattern":"{pattern}","options":"{options}"}}}}"#)
    };
    let matching = [r#"{"a":"Abc"}"#, r#"{"a":["x","ABC"]}"#];
    let others = [
        r#"{"a":"xabc"}"#,
        r#"{"a":1}"#,
        "{}",
        r#"{"a":null}"#,
        r#"{"a":[["abc"]]}"#,
        r#"{"a":{"b":"abc"}}"#,
    ];
    check(&format!(r#"{{"a":{}}}"#, js("^ab", "i")), &matching, &others);
    check(r#"{"a":{"$regex":"^ab","$options":"i"}}"#, &matching, &others);
    check(r#"{"a":{"$options":"i","$regex":"^ab"}}"#, &matching, &others);
    check(&format!(r#"{{"a":{{"$regex":{}}}}}"#, js("^ab", "i")), &matching, &others);
    check(&format!(r#"{{"a":{{"$regex":{},"$options":"i"}}}}"#, js("^ab", "")), &matching, &others);
    check(&format!(r#"{{"a":{{"$not":{}}}}}"#, js("^ab", "i")), &others, &matching);
    check(&format!(r#"{{"a":{{"$not":{{"$regex":{}}}}}}}"#, js("^ab", "i")), &others, &matching);
    check(
        &format!(r#"{{"a":{{"$in":[5,{}]}}}}"#, js("^ab", "i")),
        &[matching[0], matching[1], r#"{"a":5}"#],
        &others,
    );
    check(
        &format!(r#"{{"a":{{"$nin":[5,{}]}}}}"#, js("^ab", "i")),
        &others,
        &[matching[0], matching[1], r#"{"a":5}"#],
    );
    check(
        &format!(r#"{{"a":{{"$in":[null,{}]}}}}"#, js("x", "")),
        &["{}", r#"{"a":"x"}"#],
        &[r#"{"a":"y"}"#],
    );
    check(
        &format!(r#"{{"a":{{"$all":[{},"x"]}}}}"#, js("^ab", "")),
        &[r#"{"a":["x","abc"]}"#],
        &[r#"{"a":["abc"]}"#],
    );
    check(
        &format!(r#"{{"a":{{"$elemMatch":{{"$in":[{}]}}}}}}"#, js("^ab", "")),
        &[r#"{"a":["abc"]}"#],
        &[r#"{"a":"abc"}"#],
    );
    check(
        r#"{"a":{"$elemMatch":{"b":{"$regex":"^x"}}}}"#,
        &[r#"{"a":[{"b":"xy"}]}"#],
        &[r#"{"a":[{"b":"y"}]}"#],
    );
    check(r#"{"a":{"$regex":"^ab","$ne":"abc"}}"#, &[r#"{"a":"abd"}"#], &[r#"{"a":"abc"}"#]);
}

#[test]
fn malformed_regular_expressions_name_the_path() {
    refused(r#"{"a.b":{"$regex":"x(?=y)"}}"#, Some("a.b"), "look-around");
    refused(
        r#"{"a":{"$in":[{"$regularExpression":{"pattern":"(a)\\1","options":""}}]}}"#,
        Some("a"),
        "back-reference",
    );
    refused(r#"{"a":{"$regex":5}}"#, Some("a"), "string or a regular expression, not int");
    refused(r#"{"a":{"$regex":"x","$options":1}}"#, Some("a"), "$options at 'a' must be a string");
    refused(r#"{"a":{"$options":"i"}}"#, Some("a"), "needs $regex");
    refused(
        r#"{"a":{"$regex":{"$regularExpression":{"pattern":"x","options":"i"}},"$options":"i"}}"#,
        Some("a"),
        "give them once",
    );
    for operator in ["$ne", "$gt", "$eq"] {
        let query =
            format!(r#"{{"a":{{"{operator}":{{"$regularExpression":{{"pattern":"x","options":""}}}}}}}}"#);
        refused(&query, Some("a"), "regular expression");
    }
    refused(r#"{"a":{"$regex":"[b-a]"}}"#, Some("a"), "out of order");
}

#[test]
fn contains_is_text_of_any_case_or_an_element() {
    check(
        r#"{"a":{"$contains":"B.c"}}"#,
        &[r#"{"a":"ab.Cd"}"#, r#"{"a":["B.c"]}"#],
        &[r#"{"a":"abxcd"}"#, r#"{"a":["xB.cx"]}"#, r#"{"a":["b.c"]}"#, "{}", r#"{"a":5}"#],
    );
    check(
        r#"{"a":{"$contains":5}}"#,
        &[r#"{"a":[1,{"$numberLong": "5"}]}"#],
        &[r#"{"a":5}"#, r#"{"a":[[5]]}"#, r#"{"a":"5"}"#],
    );
    check(r#"{"a.b":{"$contains":"x"}}"#, &[r#"{"a":[{"b":"yXy"}]}"#], &[r#"{"a":[{"b":"y"}]}"#]);
    refused(r#"{"a":{"$contains":{"$gt":1}}}"#, Some("a"), "not operators");
}

#[test]
fn comments_are_ignored_wherever_operators_stand() {
    check(r#"{"a":{"$gt":1,"$comment":"x"}}"#, &[r#"{"a":2}"#], &[r#"{"a":1}"#]);
    check(r#"{"$or":[{"a":1,"$comment":"x"}],"$comment":1}"#, &[r#"{"a":1}"#], &[r#"{"a":2}"#]);
    check(r#"{"a":{"$elemMatch":{"b":1,"$comment":"x"}}}"#, &[r#"{"a":[{"b":1}]}"#], &[r#"{"a":[{"b":2}]}"#]);
}
