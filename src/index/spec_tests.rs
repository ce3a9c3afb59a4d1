//! Valid and invalid index definitions.

use super::spec::Spec;
use crate::document::Value;
use crate::error::{Kind, Result};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn parse(key: &[(&str, Value)], options: &[(&str, Value)]) -> Result<Spec> {
    let pairs = key.iter().map(|(path, direction)| Value::Array(vec![text(path), direction.clone()]));
    let mut fields = vec![("key".to_owned(), Value::Array(pairs.collect()))];
    fields.extend(options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Spec::parse(&Value::Object(fields))
}

#[test]
fn an_index_is_named_after_its_key_as_mongodb_does() {
    let spec = parse(&[("city", Value::Int(1)), ("at.day", Value::Int(-1))], &[]).unwrap();
    assert_eq!(&*spec.name, "city_1_at.day_-1");
    assert!(!spec.is_id());
    assert!(parse(&[("_id", Value::Int(1))], &[]).unwrap().is_id());
}

/// A key, options, the kind of the refusal, and the text of its message.
type Case<'a> = (&'a [(&'a str, Value)], &'a [(&'a str, Value)], Kind, &'a str);

#[test]
fn what_is_no_index_is_refused_with_what_is_wrong() {
    let one = || [("a", Value::Int(1))];
    let filter = || Value::Object(vec![("a".to_owned(), Value::Int(1))]);
    let forbidden = Value::Object(vec![("$nor".to_owned(), Value::Array(vec![filter()]))]);
    let many: Vec<(String, Value)> = (0..33).map(|n| (format!("f{n}"), Value::Int(1))).collect();
    let many: Vec<(&str, Value)> = many.iter().map(|(name, sign)| (&**name, sign.clone())).collect();
    let cases: &[Case] = &[
        (&[], &[], Kind::BadQuery, "names no field"),
        (&[("a", Value::Int(2))], &[], Kind::BadQuery, "must be 1 or -1"),
        (&[("a", text("text"))], &[], Kind::NotSupported, "'text'"),
        (&[("$**", Value::Int(1))], &[], Kind::NotSupported, "wildcard"),
        (&[("a.$**", Value::Int(1))], &[], Kind::NotSupported, "wildcard"),
        (&[("a..b", Value::Int(1))], &[], Kind::BadQuery, "empty"),
        (&[("a.$b", Value::Int(1))], &[], Kind::BadQuery, "'$'"),
        (&[("a", Value::Int(1)), ("a", Value::Int(-1))], &[], Kind::BadQuery, "twice"),
        (&many, &[], Kind::BadQuery, "at most 32"),
        (&one(), &[("expireAfterSeconds", Value::Int(-5))], Kind::BadQuery, "less than 0"),
        (&one(), &[("prepareUnique", Value::Bool(true))], Kind::NotSupported, "'prepareUnique'"),
        (&[("_id", Value::Int(1))], &[("hidden", Value::Bool(true))], Kind::BadQuery, "cannot be hidden"),
        (&one(), &[("uniqe", Value::Bool(true))], Kind::BadQuery, "'uniqe'"),
        (&one(), &[("unique", text("yes"))], Kind::BadQuery, "true or false"),
        (&one(), &[("name", text("*"))], Kind::BadQuery, "not a valid index name"),
        (&one(), &[("name", text("_id_"))], Kind::BadQuery, "'_id_'"),
        (&one(), &[("name", text(&"x".repeat(128)))], Kind::BadQuery, "128 bytes"),
        (&one(), &[("partialFilterExpression", Value::Int(1))], Kind::BadQuery, "must be a filter"),
        (&one(), &[("partialFilterExpression", forbidden)], Kind::BadQuery, "$nor"),
        (
            &one(),
            &[("sparse", Value::Bool(true)), ("partialFilterExpression", filter())],
            Kind::BadQuery,
            "both sparse and partial",
        ),
        (&[("_id", Value::Int(1))], &[("sparse", Value::Bool(true))], Kind::BadQuery, "_id"),
    ];
    for (key, options, kind, says) in cases {
        let error = parse(key, options).unwrap_err();
        assert_eq!(error.kind(), *kind, "{error}");
        assert!(error.message().contains(says), "'{error}' does not say {says}");
    }
}
