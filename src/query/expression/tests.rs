//! Each operator by examples, most of them MongoDB's manual's.

use super::{Env, Expression, Rooted, Scope};
use crate::document::Value;
use crate::error::{Kind, Result};
use crate::query::testing::value;

pub(super) fn run(expression: &str, document: &str) -> Result<Option<Value>> {
    let parsed = Expression::parse_node(&value(expression))?;
    let document = value(document);
    parsed.eval(&Scope::new(&Rooted(&document), &Env::new(1_000, 7)))
}

/// Pairs of an expression and its value, `!` standing for missing.
pub(super) fn check(document: &str, cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        let found = run(expression, document).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let wanted = if *expected == "!" { None } else { Some(value(expected)) };
        assert_eq!(found, wanted, "{expression}");
    }
}

pub(super) fn refused(cases: &[(&str, &str)]) {
    for (expression, part) in cases {
        let error = run(expression, "{}").expect_err(expression);
        assert!(matches!(error.kind(), Kind::BadQuery | Kind::NotSupported), "{expression}: {error:?}");
        assert!(error.message().contains(part), "{expression}: {error}");
    }
}

#[test]
fn paths_go_through_arrays_and_variables_name_what_is_there() {
    check(
        r#"{"a": {"b": 1}, "list": [{"x": 1}, {"y": 2}, 3, {"x": 4}, [{"x": 5}]], "n": null}"#,
        &[
            (r#""$a.b""#, "1"),
            (r#""$a.c""#, "!"),
            (r#""$n.c""#, "!"),
            (r#""$list.x""#, "[1, 4, [5]]"),
            (r#""$list.0""#, "[[]]"),
            (r#""$$ROOT.a""#, r#"{"b": 1}"#),
            (r#""$$CURRENT.a.b""#, "1"),
            (r#""$$NOW""#, r#"{"$date": {"$numberLong": "1000"}}"#),
            (r#""$$REMOVE""#, "!"),
            (r#"{"a": "$a.b", "b": "$none", "c": [1, "$none"]}"#, r#"{"a": 1, "c": [1, null]}"#),
            (r#"{"$literal": "$a"}"#, r#""$a""#),
        ],
    );
}

#[test]
fn arithmetic_follows_the_manual() {
    check(
        r#"{"i": 2147483647, "l": {"$numberLong": "5"}, "d": {"$date": {"$numberLong": "1000"}}, "n": null}"#,
        &[
            (r#"{"$add": [1, 2.5]}"#, "3.5"),
            (r#"{"$add": ["$i", 1]}"#, "2147483648"),
            (r#"{"$add": ["$l", 1]}"#, r#"{"$numberLong": "6"}"#),
            (r#"{"$add": ["$l", 0.5]}"#, "5.5"),
            (r#"{"$add": [0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1]}"#, "1"),
            (r#"{"$add": ["$d", 500]}"#, r#"{"$date": {"$numberLong": "1500"}}"#),
            (r#"{"$add": ["$n", 1]}"#, "null"),
            (r#"{"$subtract": ["$d", 400]}"#, r#"{"$date": {"$numberLong": "600"}}"#),
            (r#"{"$subtract": ["$d", {"$date": {"$numberLong": "400"}}]}"#, "600"),
            (r#"{"$subtract": [5, 7.5]}"#, "-2.5"),
            (r#"{"$multiply": [3, 4, 0.5]}"#, "6"),
            (r#"{"$multiply": ["$l", "$l"]}"#, r#"{"$numberLong": "25"}"#),
            (r#"{"$divide": [80, 8]}"#, "10"),
            (r#"{"$mod": [40, 7]}"#, "5"),
            (r#"{"$mod": [-13, 9]}"#, "-4"),
            (r#"{"$mod": [5.5, 2]}"#, "1.5"),
            (r#"{"$abs": -1}"#, "1"),
            (r#"{"$abs": {"$subtract": [3, 8]}}"#, "5"),
            (r#"{"$ceil": 7.8}"#, "8"),
            (r#"{"$ceil": -2.8}"#, "-2"),
            (r#"{"$floor": -2.8}"#, "-3"),
            (r#"{"$exp": 0}"#, "1"),
            (r#"{"$ln": 1}"#, "0"),
            (r#"{"$log": [100, 10]}"#, "2"),
            (r#"{"$log10": 1000}"#, "3"),
            (r#"{"$pow": [5, 2]}"#, "25"),
            (r#"{"$pow": [5, -2]}"#, "0.04"),
            (r#"{"$pow": [2, 40]}"#, "1099511627776"),
            (r#"{"$sqrt": 25}"#, "5"),
            (r#"{"$round": [19.25, 1]}"#, "19.2"),
            (r#"{"$round": [28.73, 1]}"#, "28.7"),
            (r#"{"$round": [-45.39, 1]}"#, "-45.4"),
            (r#"{"$round": [1234.5678, -2]}"#, "1200"),
            (r#"{"$round": [1250, -2]}"#, "1200"),
            (r#"{"$round": 2.5}"#, "2"),
            (r#"{"$round": 10.5}"#, "10"),
            (r#"{"$trunc": [1234.5678, 2]}"#, "1234.56"),
            (r#"{"$trunc": [1234.5678, -2]}"#, "1200"),
            (r#"{"$trunc": 7.8}"#, "7"),
        ],
    );
    refused(&[
        (r#"{"$divide": [1, 0]}"#, "cannot divide by 0"),
        (r#"{"$mod": [1, 0]}"#, "cannot divide by 0"),
        (r#"{"$add": ["x", 1]}"#, "$add needs a number as argument 1, not string"),
        (r#"{"$sqrt": -1}"#, "not negative"),
        (r#"{"$ln": 0}"#, "above 0"),
        (r#"{"$divide": [1]}"#, "takes 2 arguments, not 1 (at '$divide')"),
        (r#"{"$what": 1}"#, "unknown expression operator '$what'"),
        (r#"{"a": {"$add": 1, "b": 2}}"#, "stands alone"),
        (r#""$a..b""#, "no field path"),
        (r#""$$nope""#, "no variable $$nope"),
    ]);
}

#[test]
fn arrays_follow_the_manual() {
    check(
        r#"{"a": [1, 2, 3], "n": null, "docs": [{"q": 2, "k": "a"}, {"q": 1, "k": "b"}]}"#,
        &[
            (r#"{"$arrayElemAt": ["$a", 0]}"#, "1"),
            (r#"{"$arrayElemAt": ["$a", -2]}"#, "2"),
            (r#"{"$arrayElemAt": ["$a", 15]}"#, "!"),
            (r#"{"$first": "$a"}"#, "1"),
            (r#"{"$last": "$a"}"#, "3"),
            (r#"{"$first": [[]]}"#, "!"),
            (r#"{"$concatArrays": [["hello", " "], ["world"]]}"#, r#"["hello", " ", "world"]"#),
            (r#"{"$concatArrays": ["$a", "$n"]}"#, "null"),
            (r#"{"$filter": {"input": "$a", "as": "x", "cond": {"$gte": ["$$x", 2]}}}"#, "[2, 3]"),
            (r#"{"$filter": {"input": "$a", "cond": {"$gte": ["$$this", 2]}, "limit": 1}}"#, "[2]"),
            (r#"{"$map": {"input": "$a", "as": "x", "in": {"$add": ["$$x", 2]}}}"#, "[3, 4, 5]"),
            (r#"{"$map": {"input": "$docs", "in": "$$this.q"}}"#, "[2, 1]"),
            (
                r#"{"$reduce": {"input": ["a", "b", "c"], "initialValue": "", "in": {"$concat": ["$$value", "$$this"]}}}"#,
                r#""abc""#,
            ),
            (
                r#"{"$reduce": {"input": "$a", "initialValue": {"s": 5, "p": 2}, "in": {"s": {"$add": ["$$value.s", "$$this"]}, "p": {"$multiply": ["$$value.p", "$$this"]}}}}"#,
                r#"{"s": 11, "p": 12}"#,
            ),
            (r#"{"$in": [2, "$a"]}"#, "true"),
            (r#"{"$indexOfArray": [["a", "abc"], "a"]}"#, "0"),
            (r#"{"$indexOfArray": [[1, 2], 5]}"#, "-1"),
            (r#"{"$indexOfArray": [["a", "b", "c", "b"], "b", 2, 4]}"#, "3"),
            (r#"{"$isArray": [["hello"]]}"#, "true"),
            (r#"{"$isArray": "hello"}"#, "false"),
            (r#"{"$range": [0, 10, 2]}"#, "[0, 2, 4, 6, 8]"),
            (r#"{"$range": [10, 0, -2]}"#, "[10, 8, 6, 4, 2]"),
            (r#"{"$range": [0, 10, -2]}"#, "[]"),
            (r#"{"$reverseArray": "$a"}"#, "[3, 2, 1]"),
            (r#"{"$size": "$a"}"#, "3"),
            (r#"{"$slice": ["$a", 1, 1]}"#, "[2]"),
            (r#"{"$slice": ["$a", -2]}"#, "[2, 3]"),
            (r#"{"$slice": ["$a", 15, 2]}"#, "[]"),
            (r#"{"$slice": ["$a", -15, 2]}"#, "[1, 2]"),
            (r#"{"$zip": {"inputs": [["a"], ["b"]]}}"#, r#"[["a", "b"]]"#),
            (r#"{"$zip": {"inputs": [[1], [2, 3]], "useLongestLength": true}}"#, "[[1, 2], [null, 3]]"),
            (
                r#"{"$zip": {"inputs": [[1], [2, 3]], "useLongestLength": true, "defaults": ["x", "y"]}}"#,
                r#"[[1, 2], ["x", 3]]"#,
            ),
            (r#"{"$firstN": {"n": 2, "input": "$a"}}"#, "[1, 2]"),
            (r#"{"$lastN": {"n": 2, "input": "$a"}}"#, "[2, 3]"),
            (r#"{"$maxN": {"n": 2, "input": [1, null, 3, 2]}}"#, "[3, 2]"),
            (r#"{"$minN": {"n": 2, "input": [5, 1, 3, 2]}}"#, "[1, 2]"),
            (r#"{"$sortArray": {"input": [3, 1, "a", null], "sortBy": 1}}"#, r#"[null, 1, 3, "a"]"#),
            (
                r#"{"$sortArray": {"input": "$docs", "sortBy": {"q": 1}}}"#,
                r#"[{"q": 1, "k": "b"}, {"q": 2, "k": "a"}]"#,
            ),
            (r#"{"$arrayToObject": [[["x", 1], ["y", 2]]]}"#, r#"{"x": 1, "y": 2}"#),
            (r#"{"$arrayToObject": [[{"k": "x", "v": 1}]]}"#, r#"{"x": 1}"#),
            (r#"{"$objectToArray": {"x": 1}}"#, r#"[{"k": "x", "v": 1}]"#),
            (r#"{"$sum": "$a"}"#, "6"),
            (r#"{"$sum": [1, "x", 2.5]}"#, "3.5"),
            (r#"{"$avg": "$a"}"#, "2"),
            (r#"{"$max": "$a"}"#, "3"),
            (r#"{"$min": [4, null, 2]}"#, "2"),
        ],
    );
    refused(&[
        (r#"{"$size": "x"}"#, "$size needs an array, not string"),
        (r#"{"$range": [0, 1, 0]}"#, "step other than 0"),
        (r#"{"$range": [0, 100000000]}"#, "more than 4000000 elements"),
        (r#"{"$filter": {"input": []}}"#, "needs 'input' and 'cond'"),
        (r#"{"$in": [1, 2]}"#, "needs an array"),
        (
            r#"{"$reduce": {"input": {"$range": [0, 1000]}, "initialValue": 1, "in": ["$$value"]}}"#,
            "deeper than 100",
        ),
    ]);
}

#[test]
fn booleans_comparison_and_conditions_follow_the_manual() {
    check(
        r#"{"q": 250, "s": "", "n": null}"#,
        &[
            (r#"{"$and": [1, "green"]}"#, "true"),
            (r#"{"$and": []}"#, "true"),
            (r#"{"$and": [null, true]}"#, "false"),
            (r#"{"$or": [false, 0]}"#, "false"),
            (r#"{"$or": []}"#, "false"),
            (r#"{"$not": [false]}"#, "true"),
            (r#"{"$not": [[false]]}"#, "false"),
            (r#"{"$cmp": ["$q", 200]}"#, "1"),
            (r#"{"$eq": ["$q", {"$numberLong": "250"}]}"#, "true"),
            (r#"{"$eq": ["$none", null]}"#, "false"),
            (r#"{"$lt": ["$none", null]}"#, "true"),
            (r#"{"$gt": ["a", 1]}"#, "true"),
            (r#"{"$gte": [1, 1]}"#, "true"),
            (r#"{"$lte": [2, 1]}"#, "false"),
            (r#"{"$ne": [2, 1]}"#, "true"),
            (r#"{"$cond": [{"$gte": ["$q", 250]}, 30, 20]}"#, "30"),
            (r#"{"$cond": {"if": "$s", "then": "$none", "else": 2}}"#, "!"),
            (r#"{"$ifNull": ["$none", "$n", "x"]}"#, r#""x""#),
            (r#"{"$ifNull": ["$none", "$none"]}"#, "!"),
            (
                r#"{"$switch": {"branches": [{"case": {"$eq": [0, 5]}, "then": "equals"}, {"case": {"$gt": [0, 5]}, "then": "greater"}], "default": "other"}}"#,
                r#""other""#,
            ),
            (r#"{"$let": {"vars": {"a": 5, "b": "$q"}, "in": {"$add": ["$$a", "$$b"]}}}"#, "255"),
            (
                r#"{"$let": {"vars": {"a": 1}, "in": {"$let": {"vars": {"a": 2, "b": "$$a"}, "in": ["$$a", "$$b"]}}}}"#,
                "[2, 1]",
            ),
        ],
    );
    refused(&[
        (r#"{"$cond": [1, 2]}"#, "3 arguments"),
        (r#"{"$switch": {"branches": [{"case": false, "then": 1}]}}"#, "no default"),
        (r#"{"$let": {"vars": {"Up": 1}, "in": 1}}"#, "lower-case"),
    ]);
}

#[test]
fn objects_and_sets_follow_the_manual() {
    check(
        r#"{"o": {"a": 1, "b": 2}, "price.usd": 45, "n": null}"#,
        &[
            (r#"{"$mergeObjects": ["$o", {"b": 3, "c": 4}, null]}"#, r#"{"a": 1, "b": 3, "c": 4}"#),
            (r#"{"$getField": "price.usd"}"#, "45"),
            (r#"{"$getField": {"field": "a", "input": "$o"}}"#, "1"),
            (r#"{"$getField": {"field": "x", "input": "$o"}}"#, "!"),
            (
                r#"{"$setField": {"field": "a.b", "input": "$o", "value": 9}}"#,
                r#"{"a": 1, "b": 2, "a.b": 9}"#,
            ),
            (r#"{"$setField": {"field": "a", "input": "$o", "value": "$$REMOVE"}}"#, r#"{"b": 2}"#),
            (r#"{"$unsetField": {"field": "b", "input": "$o"}}"#, r#"{"a": 1}"#),
            (r#"{"$allElementsTrue": [[true, 1, "x"]]}"#, "true"),
            (r#"{"$allElementsTrue": [[null]]}"#, "false"),
            (r#"{"$anyElementTrue": [[null, false, 0]]}"#, "false"),
            (r#"{"$setDifference": [["a", "b", "a"], ["b"]]}"#, r#"["a"]"#),
            (r#"{"$setEquals": [["a", "b", "a"], ["b", "a"]]}"#, "true"),
            (r#"{"$setEquals": [["a", "b"], [["a", "b"]]]}"#, "false"),
            (r#"{"$setIntersection": [["a", "b"], ["b", "b", "c"]]}"#, r#"["b"]"#),
            (r#"{"$setIsSubset": [["a"], ["b", "a"]]}"#, "true"),
            (r#"{"$setUnion": [["b", "a"], [["a"], "a"]]}"#, r#"["a", "b", ["a"]]"#),
            (r#"{"$setUnion": [[1], "$n"]}"#, "null"),
        ],
    );
    refused(&[(r#"{"$mergeObjects": [1]}"#, "needs objects, not int")]);
}

#[test]
fn strings_follow_the_manual() {
    check(
        r#"{"t": "R\u00e9sum\u00e9", "n": null}"#,
        &[
            (r#"{"$concat": ["a", "-", "b"]}"#, r#""a-b""#),
            (r#"{"$concat": ["a", "$n"]}"#, "null"),
            (r#"{"$indexOfBytes": ["cafeteria", "e"]}"#, "3"),
            (r#"{"$indexOfBytes": ["foo.bar.fi", ".", 5]}"#, "7"),
            (r#"{"$indexOfCP": ["$t", "u"]}"#, "3"),
            (r#"{"$indexOfBytes": ["$t", "u"]}"#, "4"),
            (r#"{"$indexOfCP": ["foo.bar.fi", ".", 5, 7]}"#, "-1"),
            (r#"{"$indexOfBytes": ["vanilla", "ll", 12]}"#, "-1"),
            (r#"{"$trim": {"input": "  ab \n"}}"#, r#""ab""#),
            (r#"{"$trim": {"input": " ggggoodbyeeeee", "chars": " ge"}}"#, r#""oodby""#),
            (r#"{"$ltrim": {"input": "xxaxx", "chars": "x"}}"#, r#""axx""#),
            (r#"{"$rtrim": {"input": "xxaxx", "chars": "x"}}"#, r#""xxa""#),
            (r#"{"$replaceOne": {"input": "a b a", "find": "a", "replacement": "c"}}"#, r#""c b a""#),
            (r#"{"$replaceAll": {"input": "a b a", "find": "a", "replacement": "c"}}"#, r#""c b c""#),
            (r#"{"$replaceAll": {"input": "$none", "find": "a", "replacement": "c"}}"#, "null"),
            (r#"{"$split": ["June-15-2013", "-"]}"#, r#"["June", "15", "2013"]"#),
            (r#"{"$split": ["-a-", "-"]}"#, r#"["", "a", ""]"#),
            (r#"{"$strLenBytes": "$t"}"#, "8"),
            (r#"{"$strLenCP": "$t"}"#, "6"),
            (r#"{"$strcasecmp": ["abc", "ABD"]}"#, "-1"),
            (r#"{"$substrBytes": ["abcde", 1, 2]}"#, r#""bc""#),
            (r#"{"$substrBytes": ["abcde", 3, -1]}"#, r#""de""#),
            (r#"{"$substrCP": ["$t", 1, 3]}"#, r#""\u00e9su""#),
            (r#"{"$toLower": "ABC"}"#, r#""abc""#),
            (r#"{"$toUpper": "$n"}"#, r#""""#),
        ],
    );
    refused(&[
        (r#"{"$concat": ["a", 1]}"#, "needs a string"),
        (r#"{"$substrBytes": ["\u00e9", 0, 1]}"#, "$substrCP"),
        (r#"{"$split": ["a", ""]}"#, "not empty"),
        (r#"{"$strLenCP": "$none"}"#, "needs a string, not missing"),
    ]);
}

#[test]
fn conversions_follow_the_manual() {
    check(
        "{}",
        &[
            (r#"{"$toInt": "-5"}"#, "-5"),
            (r#"{"$toInt": -5.5}"#, "-5"),
            (r#"{"$toLong": true}"#, r#"{"$numberLong": "1"}"#),
            (r#"{"$toDouble": "-5.5"}"#, "-5.5"),
            (r#"{"$toBool": "false"}"#, "true"),
            (r#"{"$toBool": 0}"#, "false"),
            (r#"{"$toString": 2.5}"#, r#""2.5""#),
            (r#"{"$toString": 1e21}"#, r#""1e+21""#),
            (
                r#"{"$toString": {"$date": {"$numberLong": "1522166336538"}}}"#,
                r#""2018-03-27T15:58:56.538Z""#,
            ),
            (
                r#"{"$toString": {"$toObjectId": "5ab9cbfa31c2ab715d42129e"}}"#,
                r#""5ab9cbfa31c2ab715d42129e""#,
            ),
            (
                r#"{"$toDate": {"$toObjectId": "5ab9c3da31c2ab715d421285"}}"#,
                r#"{"$date": {"$numberLong": "1522123738000"}}"#,
            ),
            (r#"{"$toDate": "2018-03-03"}"#, r#"{"$date": {"$numberLong": "1520035200000"}}"#),
            (r#"{"$toDate": 120000000000.5}"#, r#"{"$date": {"$numberLong": "120000000000"}}"#),
            (r#"{"$convert": {"input": "x", "to": "int", "onError": "bad"}}"#, r#""bad""#),
            (r#"{"$convert": {"input": null, "to": 16, "onNull": "none"}}"#, r#""none""#),
            (r#"{"$isNumber": {"$numberLong": "1"}}"#, "true"),
            (r#"{"$isNumber": "1"}"#, "false"),
            (r#"{"$type": 1.5}"#, r#""double""#),
            (r#"{"$type": "$none"}"#, r#""missing""#),
            (r#"{"$type": [[1]]}"#, r#""array""#),
        ],
    );
    refused(&[
        (r#"{"$toInt": "2.5"}"#, "cannot convert the string '2.5' to int"),
        (r#"{"$toInt": 1e10}"#, "cannot convert"),
        (r#"{"$toObjectId": "xyz"}"#, "cannot convert"),
        (r#"{"$convert": {"input": 1, "to": "decimal"}}"#, "does not support the type 'decimal'"),
    ]);
}

#[test]
fn chance_is_between_zero_and_one() {
    for _ in 0..10 {
        let Some(Value::Double(number)) = run(r#"{"$rand": {}}"#, "{}").unwrap() else {
            panic!("$rand gives a double");
        };
        assert!((0.0..1.0).contains(&number));
    }
}

#[test]
fn the_documentation_has_every_operator() {
    let page = include_str!("../../../docs/compatibility.md");
    let (_, from) = page.split_once("### Expressions").unwrap();
    let (section, _) = from.split_once("### Variables").unwrap();
    let specials =
        ["$and", "$or", "$cond", "$ifNull", "$switch", "$let", "$map", "$filter", "$reduce", "$convert"];
    let others = ["$literal", "$getField", "$regexMatch", "$regexFind", "$regexFindAll"];
    let known = super::registry::names();
    for name in known.chain(specials).chain(others) {
        let row = section.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        assert!(!row.contains("not supported"), "{row}");
    }
    for name in super::registry::UNSUPPORTED {
        assert!(section.contains(&format!("| `{name}` | not supported |")), "{name}");
    }
}
