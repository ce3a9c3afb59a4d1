//! Collations, with the examples of MongoDB's manual.

use std::cmp::Ordering;

use super::{Collation, DATA_VERSION};
use crate::document::Value;
use crate::error::{Kind, codes};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn of(locale: &str, more: &[(&str, Value)]) -> Collation {
    let mut fields = vec![("locale", text(locale))];
    fields.extend_from_slice(more);
    Collation::parse(&object(&fields)).unwrap()
}

fn sorted<'t>(collation: &Collation, texts: &[&'t str]) -> Vec<&'t str> {
    let mut texts = texts.to_vec();
    texts.sort_by(|a, b| collation.compare(&text(a), &text(b)));
    texts
}

fn strength(level: i32) -> Vec<(&'static str, Value)> {
    vec![("strength", Value::Int(level))]
}

#[test]
fn strengths_distinguish_letters_accents_and_case() {
    for (level, equal) in [(1, ["cafe", "caf\u{e9}", "CAFE"]), (2, ["caf\u{e9}", "CAF\u{c9}", "Caf\u{e9}"])] {
        let collation = of("en", &strength(level));
        for other in equal {
            assert!(collation.equal(&text(equal[0]), &text(other)), "{level} {other}");
            assert_eq!(collation.key(equal[0].as_bytes()), collation.key(other.as_bytes()));
        }
    }
    assert!(!of("en", &strength(2)).equal(&text("cafe"), &text("caf\u{e9}")));
    assert!(!of("en", &strength(3)).equal(&text("cafe"), &text("Cafe")));
    // Composed and decomposed forms differ at the last strength only in bytes.
    assert!(of("en", &strength(5)).equal(&text("\u{e9}"), &text("e\u{301}")));
}

#[test]
fn numbers_in_strings_have_their_order_on_demand() {
    let texts = ["10", "2", "1"];
    assert_eq!(sorted(&of("en", &[]), &texts), ["1", "10", "2"]);
    assert_eq!(sorted(&of("en", &[("numericOrdering", Value::Bool(true))]), &texts), ["1", "2", "10"]);
}

#[test]
fn languages_have_their_own_orders() {
    let french = ["cot\u{e9}", "c\u{f4}te", "c\u{f4}t\u{e9}", "cote"];
    assert_eq!(sorted(&of("fr", &[]), &french), ["cote", "cot\u{e9}", "c\u{f4}te", "c\u{f4}t\u{e9}"]);
    assert_eq!(sorted(&of("fr_CA", &[]), &french), ["cote", "c\u{f4}te", "cot\u{e9}", "c\u{f4}t\u{e9}"]);
    let german = ["Af", "\u{c4}", "Ad", "Ae"];
    assert_eq!(sorted(&of("de", &[]), &german), ["\u{c4}", "Ad", "Ae", "Af"]);
    for phonebook in ["de@collation=phonebook", "de-u-co-phonebk"] {
        assert_eq!(sorted(&of(phonebook, &[]), &german), ["Ad", "Ae", "\u{c4}", "Af"]);
    }
    let swedish = ["\u{f6}", "z", "\u{e4}", "\u{e5}", "a", "o"];
    assert_eq!(sorted(&of("sv", &[]), &swedish), ["a", "o", "z", "\u{e5}", "\u{e4}", "\u{f6}"]);
    assert_eq!(sorted(&of("en", &[]), &swedish), ["a", "\u{e5}", "\u{e4}", "o", "\u{f6}", "z"]);
    assert_eq!(sorted(&of("zh", &[]), &["\u{4e2d}", "\u{963f}"]), ["\u{963f}", "\u{4e2d}"], "by pinyin");
    assert_eq!(sorted(&of("zh@collation=stroke", &[]), &["\u{963f}", "\u{4e2d}"]), ["\u{4e2d}", "\u{963f}"]);
    assert_ne!(of("nb", &[]).compare(&text("\u{e5}"), &text("b")), Ordering::Less);
}

#[test]
fn the_other_options_do_what_they_say() {
    let words = ["a", "B", "A", "b"];
    assert_eq!(sorted(&of("en", &[("caseFirst", text("upper"))]), &words), ["A", "a", "B", "b"]);
    assert_eq!(sorted(&of("en", &[("caseFirst", text("lower"))]), &words), ["a", "A", "b", "B"]);
    let shifted = of("en", &[("alternate", text("shifted")), ("strength", Value::Int(1))]);
    assert!(shifted.equal(&text("a-b c"), &text("abc")));
    let spaces =
        [("alternate", text("shifted")), ("maxVariable", text("space")), ("strength", Value::Int(1))];
    assert!(of("en", &spaces).equal(&text("ab c"), &text("abc")));
    assert!(!of("en", &spaces).equal(&text("a-b"), &text("ab")));
    let level = of("en", &[("strength", Value::Int(1)), ("caseLevel", Value::Bool(true))]);
    assert!(level.equal(&text("e"), &text("\u{e9}")) && !level.equal(&text("e"), &text("E")));
}

#[test]
fn a_collation_is_listed_with_all_of_its_fields() {
    let Value::Object(fields) = of("fr", &strength(2)).to_value().unwrap() else { panic!() };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let all = [
        "locale",
        "caseLevel",
        "caseFirst",
        "strength",
        "numericOrdering",
        "alternate",
        "maxVariable",
        "normalization",
        "backwards",
        "version",
    ];
    assert_eq!(names, all);
    // What is listed may be given.
    for locale in ["fr", "fr_CA", "da", "th", "de@collation=phonebook"] {
        let one = of(locale, &[]);
        assert_eq!(Collation::parse(&one.to_value().unwrap()).unwrap(), one);
    }
    assert_eq!(of("da", &[]).to_value().unwrap().to_string_of("caseFirst"), "upper");
    assert_eq!(of("th", &[]).to_value().unwrap().to_string_of("alternate"), "shifted");
    assert!(Collation::parse(&object(&[("locale", text("simple"))])).unwrap().is_simple());
}

impl Value {
    fn to_string_of(&self, name: &str) -> String {
        match self {
            Value::Object(fields) => match fields.iter().find(|(own, _)| own == name) {
                Some((_, Value::String(text))) => text.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        }
    }
}

#[test]
fn what_is_no_collation_is_refused_with_the_name_of_the_field() {
    let refused = |fields: &[(&str, Value)]| Collation::parse(&object(fields)).unwrap_err();
    for (field, value, code) in [
        ("strength", Value::Int(0), codes::BAD_VALUE),
        ("strength", Value::Int(6), codes::BAD_VALUE),
        ("strength", Value::Double(1.5), codes::BAD_VALUE),
        ("strength", Value::Double(f64::NAN), codes::BAD_VALUE),
        ("strength", text("1"), codes::TYPE_MISMATCH),
        ("caseLevel", Value::Int(1), codes::TYPE_MISMATCH),
        ("caseFirst", text("Upper"), codes::BAD_VALUE),
        ("caseFirst", Value::Bool(true), codes::TYPE_MISMATCH),
        ("numericOrdering", Value::Null, codes::TYPE_MISMATCH),
        ("alternate", text("ignorable"), codes::BAD_VALUE),
        ("maxVariable", text("symbol"), codes::BAD_VALUE),
        ("strenght", Value::Int(1), codes::IDL_UNKNOWN_FIELD),
    ] {
        let error = refused(&[("locale", text("en")), (field, value)]);
        assert_eq!(error.code(), Some(code), "{error}");
        assert_eq!(error.details().path.as_deref(), Some(format!("collation.{field}").as_str()));
        assert!(error.message().contains(field), "{error}");
    }
    let unknown = refused(&[("locale", text("de_CH"))]);
    assert_eq!((unknown.kind(), unknown.code()), (Kind::BadQuery, Some(codes::BAD_VALUE)));
    assert!(unknown.message().contains("did you mean 'de'"), "{unknown}");
    assert_eq!(refused(&[]).code(), Some(codes::IDL_FAILED_TO_PARSE));
    assert_eq!(refused(&[("locale", Value::Int(1))]).code(), Some(codes::TYPE_MISMATCH));
    assert!(Collation::parse(&text("en")).is_err());
    assert_eq!(
        refused(&[("locale", text("simple")), ("strength", Value::Int(1))]).code(),
        Some(codes::BAD_VALUE)
    );
    for (locale, backwards) in [("fr", true), ("fr_CA", false)] {
        let fields = [("locale", text(locale)), ("backwards", Value::Bool(backwards))];
        assert_eq!(refused(&fields).kind(), Kind::NotSupported);
    }
    assert_eq!(refused(&[("locale", text("de@collation=search"))]).kind(), Kind::NotSupported);
}

#[test]
fn sort_keys_compare_as_values_do() {
    let mut dice = fastrand::Rng::with_seed(17);
    let letters: Vec<char> = "aAbB\u{e4}\u{c4}\u{e5}zZ\u{f1}\u{0}\u{1}-_ 0129\u{301}\u{328}\u{4e2d}\u{1F600}\u{fffd}\u{ffff}\u{3042}\u{30a2}\u{5d0}\u{e01}\u{e40}".chars().collect();
    let mut word =
        || -> String { (0..dice.usize(0..7)).map(|_| letters[dice.usize(0..letters.len())]).collect() };
    let words: Vec<String> = (0..120).map(|_| word()).collect();
    for (locale, more) in [
        ("en", strength(1)),
        ("en", strength(2)),
        ("sv", strength(3)),
        ("fr_CA", strength(4)),
        ("th", strength(5)),
        ("ja", strength(4)),
        ("en", vec![("alternate", text("shifted")), ("strength", Value::Int(4))]),
        ("en", vec![("numericOrdering", Value::Bool(true)), ("caseFirst", text("upper"))]),
        ("de@collation=phonebook", vec![("caseLevel", Value::Bool(true)), ("strength", Value::Int(1))]),
    ] {
        let collation = of(locale, &more);
        for a in &words {
            for b in &words {
                let (x, y) = (Value::Array(vec![text(a)]), Value::Array(vec![text(b)]));
                let by_keys = Collation::SIMPLE.compare(&collation.keyed(&x), &collation.keyed(&y));
                assert_eq!(collation.compare(&x, &y), by_keys, "seed 17, {locale}: {a:?} {b:?}");
            }
        }
    }
}

#[test]
fn types_keep_their_order_and_keys_of_objects_their_bytes() {
    let collation = of("en", &strength(1));
    let values = [
        Value::Null,
        Value::Int(1),
        text(""),
        text("a"),
        text("B"),
        object(&[("A", text("b"))]),
        object(&[("a", text("A"))]),
        Value::Array(vec![text("b")]),
        Value::Bool(false),
    ];
    for pair in values.windows(2) {
        assert_eq!(collation.compare(&pair[0], &pair[1]), Ordering::Less, "{pair:?}");
    }
    assert!(collation.equal(&object(&[("a", text("x"))]), &object(&[("a", text("X"))])));
}

#[test]
fn the_version_of_the_data_is_that_of_the_lock_file() {
    let lock = include_str!("../../../Cargo.lock");
    let entry = format!("name = \"icu_collator_data\"\nversion = \"{DATA_VERSION}\"");
    assert!(lock.replace('\r', "").contains(&entry), "set DATA_VERSION to the version of icu_collator_data");
}

#[test]
fn long_runs_of_combining_marks_take_linear_time_and_differ_by_their_letters() {
    for marks in ["\u{f71}\u{f72}", "\u{301}\u{323}"] {
        // In quadratic time this would take hours.
        let long = marks.repeat(150_000);
        for level in 1..=3 {
            let collation = of("en", &strength(level));
            let [a, b] = ["a", "b"].map(|letter| format!("{long}{letter}"));
            assert_eq!(collation.compare(&text(&a), &text(&a.clone())), Ordering::Equal);
            assert_eq!(collation.compare(&text(&a), &text(&b)), Ordering::Less);
            assert!(collation.key(a.as_bytes()) < collation.key(b.as_bytes()));
        }
    }
}
