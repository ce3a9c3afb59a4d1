//! The equalities that a condition needs: by them an index finds the documents.

use std::borrow::Cow;

use super::scope::Env;
use super::tree::{Expression, Form, Special};
use crate::document::collation::has_text;
use crate::document::{Collation, Path, Value};

impl Expression {
    /// Calls `found` for each path that has this value in every document for which the condition holds: those of `$eq`, alone
    /// or joined by `$and`. Without variables only those of constants are found.
    ///
    /// Null and arrays are left out: a filter does not compare a path with them as an expression does. With other values it lets
    /// pass what equals them here, and some documents with arrays besides.
    pub(in crate::query) fn equalities<'e>(
        &'e self,
        env: Option<&'e Env>,
        collation: &Collation,
        found: &mut impl FnMut(Path, Cow<'e, Value>),
    ) {
        match &self.0 {
            Form::Special(special) => {
                if let Special::And(all) = &**special {
                    all.iter().for_each(|one| one.equalities(env, collation, found));
                }
            }
            Form::Call(operator, operands) if operator.name == "$eq" => {
                let [Some(one), Some(other)] = operands.as_slice() else { return };
                let of = |path: &Expression, value: &'e Expression| {
                    // A filter takes a number for the place in an array too.
                    let path = path.as_path().filter(|path| !path.parts().is_empty())?.in_filters();
                    if path.parts().iter().any(|part| part.index.is_some()) {
                        return None;
                    }
                    let value = value.constant(env)?;
                    // A filter compares `_id`s by their bytes.
                    let differs = matches!(*value, Value::Null | Value::Array(_))
                        || path.is_id() && !collation.is_simple() && has_text(&*value);
                    (!differs).then_some((path, value))
                };
                if let Some((path, value)) = of(one, other).or_else(|| of(other, one)) {
                    found(path, value);
                }
            }
            _ => {}
        }
    }

    /// Its value where that is the same for every document.
    fn constant<'e>(&'e self, env: Option<&'e Env>) -> Option<Cow<'e, Value>> {
        match &self.0 {
            Form::Literal(value) => value.as_ref().map(Cow::Borrowed),
            Form::Variable(name, path) => {
                let value = env?.variable(name)??;
                match path.parts() {
                    [] => Some(Cow::Borrowed(value)),
                    _ => path.of(value).map(Cow::Owned),
                }
            }
            _ => None,
        }
    }
}
