//! Parsing the option `let`.

use std::cell::Cell;

use super::parser::Parser;
use crate::document::{Collation, Node, NodeKind, RawValue, Value};
use crate::error::Result;
use crate::query::expression::constants::Constants;
use crate::query::expression::path::FieldPath;
use crate::query::expression::scope::{Env, Root, Scope};
use crate::query::refusal::bad_query;
use crate::work::Work;

/// The root for constants: there is no document, and an expression that reads one is refused.
#[derive(Default)]
struct Nothing(Cell<bool>);

impl Root for Nothing {
    fn whole(&self) -> Value {
        self.0.set(true);
        Value::Null
    }

    fn at(&self, _: &FieldPath) -> Option<Value> {
        self.0.set(true);
        None
    }
}

impl Constants {
    /// Parses `{ name: expression, ... }`. The expressions are evaluated without a document.
    pub fn parse(
        variables: RawValue<'_>,
        (now, seed): (i64, u64),
        work: &Work,
        collation: &Collation,
    ) -> Result<Constants> {
        if !matches!(variables.seen(), NodeKind::Object(())) {
            let message = format!("let must be an object of variables, not {}", variables.seen().type_name());
            return Err(bad_query("let", message));
        }
        let mut parser =
            Parser::at("let").knowing(&Constants::default().within(work).under(collation.clone()));
        let env = Env::new(now, seed).within(work.clone()).under(collation.clone());
        let mut all = Vec::new();
        for (name, value) in variables.fields() {
            parser.check_variable(name)?;
            let (root, expression) = (Nothing::default(), parser.expression(&value.to_value())?);
            let value = expression.eval(&Scope::new(&root, &env))?;
            if root.0.get() {
                let message = format!(
                    "the value of '{name}' in let reads a field, but let is computed before any document is read; write {{ $literal: ... }} for a string that begins with $"
                );
                return Err(bad_query(&format!("let.{name}"), message));
            }
            all.push((name.into(), value));
        }
        Ok(Constants::of(all, seed, work).under(collation.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Shapes, encode_plain};
    use crate::query::expression::{Expression, Rooted};

    fn object(fields: &[(&str, Value)]) -> Vec<u8> {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let mut bytes = Vec::new();
        encode_plain(&Value::Object(fields), &mut bytes);
        bytes
    }

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    fn call(operator: &str, operand: Value) -> Value {
        Value::Object(vec![(operator.into(), operand)])
    }

    fn eval(expression: &Value, constants: &Constants) -> Result<Option<Value>> {
        let mut parser = Parser::at("test").knowing(constants);
        let (document, env) = (Value::Object(Vec::new()), Env::default());
        let root = Rooted(&document);
        let expression: Expression = parser.expression(expression)?;
        expression.eval(&Scope::new(&root, &env))
    }

    #[test]
    fn a_constant_stands_where_its_name_does_and_inner_variables_hide_it() {
        let shapes = Shapes::new();
        let sum = call("$add", Value::Array(vec![Value::Int(2), Value::Int(3)]));
        let bytes = object(&[("five", sum), ("o", call("$literal", call("a", Value::Int(7))))]);
        let constants =
            Constants::parse(RawValue::new(&bytes, &shapes), (0, 0), &Work::default(), &Collation::SIMPLE)
                .unwrap();
        assert_eq!(eval(&text("$$five"), &constants).unwrap(), Some(Value::Int(5)));
        assert_eq!(eval(&text("$$o.a"), &constants).unwrap(), Some(Value::Int(7)));
        assert_eq!(eval(&text("$$o.b"), &constants).unwrap(), None);
        let inner =
            Value::Object(vec![("vars".into(), call("five", Value::Int(6))), ("in".into(), text("$$five"))]);
        assert_eq!(eval(&call("$let", inner), &constants).unwrap(), Some(Value::Int(6)));
        assert!(eval(&text("$$six"), &constants).unwrap_err().message().contains("no variable $$six"));
    }

    #[test]
    fn a_value_that_reads_a_document_is_refused_and_so_is_a_name_that_no_variable_has() {
        let shapes = Shapes::new();
        for (name, value) in
            [("a", text("$b")), ("a", text("$$ROOT")), ("A", Value::Int(1)), ("", Value::Int(1))]
        {
            let bytes = object(&[(name, value)]);
            let refused = Constants::parse(
                RawValue::new(&bytes, &shapes),
                (0, 0),
                &Work::default(),
                &Collation::SIMPLE,
            )
            .unwrap_err();
            assert_eq!(refused.kind(), crate::error::Kind::BadQuery, "{refused}");
        }
        let list = {
            let mut bytes = Vec::new();
            encode_plain(&Value::Array(Vec::new()), &mut bytes);
            bytes
        };
        assert!(
            Constants::parse(RawValue::new(&list, &shapes), (0, 0), &Work::default(), &Collation::SIMPLE)
                .is_err()
        );
    }
}
