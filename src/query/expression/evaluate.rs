//! The value of an expression for a document. Each evaluation leaves its scope holding about the size of its value.

use super::logic::is_true;
use super::operator::{Args, Outcome, bool, null, refuse, refuse_type};
use super::scope::{Env, NodeRoot, Scope};
use super::strings::regex;
use super::tree::{Expression, Form, RegexCall, RegexOperand, Special};
use super::types::convert;
use crate::document::{Collation, MAX_DEPTH, Node, Object, Value, depth};
use crate::error::{Kind, Result, codes};
use crate::query::number::as_integer;
use crate::query::size;
use crate::work::Work;

/// Levels that `$reduce` may add between two checks of the depth of its value.
const UNLOOKED: usize = 16;

impl Expression {
    /// Whether it holds for a document of a filter. It does not where an operator refuses its operands.
    pub(in crate::query) fn holds_for<'a>(
        &self,
        document: impl Node<'a>,
        collation: &Collation,
        work: &Work,
    ) -> bool {
        let (root, env) = (NodeRoot::new(document), Env::default().under(collation.clone()));
        self.holds(&Scope::within(&root, &env, work).of("$expr")).unwrap_or(false)
    }

    /// Its value, or `None` where that is missing. Rejects with `BAD_QUERY` when an operator refuses its operands.
    pub(crate) fn eval(&self, scope: &Scope<'_>) -> Result<Option<Value>> {
        scope.step(1)?;
        match &self.0 {
            Form::Literal(value) => copied(scope, value.clone()),
            Form::Field(path) if path.parts().is_empty() => copied(scope, Some(scope.root.whole())),
            Form::Field(path) => copied(scope, scope.root.at(path)),
            Form::Now => Ok(Some(Value::Date(scope.env.now()))),
            Form::Variable(name, path) => {
                let value = scope.variable(name)?.and_then(|value| path.of(value));
                copied(scope, value)
            }
            Form::Object(fields) => {
                let mut object = Object::with_capacity(fields.len());
                for (key, value) in fields {
                    if let Some(value) = value.eval(scope)? {
                        scope.hold_here(size::field(key) + 32)?;
                        object.push((key.clone(), value));
                    }
                }
                Ok(Some(Value::Object(object)))
            }
            Form::Array(items) => {
                scope.hold_here(items.len() * 32)?;
                let evaluated = items.iter().map(|item| Ok(item.eval(scope)?.unwrap_or(Value::Null)));
                Ok(Some(Value::Array(evaluated.collect::<Result<_>>()?)))
            }
            Form::Call(operator, operands) => {
                let before = scope.held();
                let outer = scope.enter(operator.name);
                let mut args = Args::new(operator.name, scope);
                for operand in operands {
                    args.push(operand.as_ref().map(|operand| operand.eval(scope)).transpose()?);
                }
                let value = (operator.run)(&mut args)?;
                drop(args);
                scope.enter(outer);
                scope.release_to(before);
                scope.hold_value(operator.name, value.as_ref())?;
                Ok(value)
            }
            Form::Special(special) => special.eval(scope),
        }
    }

    /// Whether its value counts as true: neither missing, null, false nor zero.
    pub(in crate::query) fn holds(&self, scope: &Scope<'_>) -> Result<bool> {
        let before = scope.held();
        let holds = is_true(self.eval(scope)?.as_ref());
        scope.release_to(before);
        Ok(holds)
    }
}

/// Counts the memory of a copied value.
#[inline]
fn copied(scope: &Scope<'_>, value: Option<Value>) -> Outcome {
    scope.hold_copy(value.as_ref())?;
    Ok(value)
}

impl Special {
    fn eval(&self, scope: &Scope<'_>) -> Outcome {
        let outer = scope.enter(self.name());
        let value = self.value(scope);
        scope.enter(outer);
        value
    }

    /// One function on purpose: a function for each operator was measured slower.
    fn value(&self, scope: &Scope<'_>) -> Outcome {
        let before = scope.held();
        match self {
            Special::And(all) => {
                for one in all {
                    if !one.holds(scope)? {
                        return bool(false);
                    }
                }
                bool(true)
            }
            Special::Or(all) => {
                for one in all {
                    if one.holds(scope)? {
                        return bool(true);
                    }
                }
                bool(false)
            }
            Special::Cond([test, then, other]) => if test.holds(scope)? { then } else { other }.eval(scope),
            Special::IfNull(all) => {
                let mut last = None;
                for one in all {
                    scope.release_to(before);
                    last = one.eval(scope)?;
                    if !matches!(last, None | Some(Value::Null)) {
                        break;
                    }
                }
                Ok(last)
            }
            Special::Switch(branches, default) => {
                for (case, then) in branches {
                    if case.holds(scope)? {
                        return then.eval(scope);
                    }
                }
                match default {
                    Some(default) => default.eval(scope),
                    None => Err(refuse("$switch", "found no branch that holds and has no default; add one")),
                }
            }
            Special::OneOf(wanted, values) => {
                let wanted = wanted.eval(scope)?;
                scope.release_to(before);
                bool(wanted.is_some_and(|wanted| {
                    values.binary_search_by(|value| scope.collation().compare(value, &wanted)).is_ok()
                }))
            }
            Special::Let(variables, body) => {
                let values: Vec<Option<Value>> =
                    variables.iter().map(|(_, value)| value.eval(scope)).collect::<Result<_>>()?;
                let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
                let given: Vec<Option<&Value>> = values.iter().map(Option::as_ref).collect();
                let inside = scope.held();
                let value = scope.bind(&names, &given, |scope| body.eval(scope))?;
                scope.release_to(before + scope.held().saturating_sub(inside));
                Ok(value)
            }
            Special::Map { input, name, each } => map(scope, input, name, each),
            Special::Filter { input, name, keep, limit } => filter(scope, input, name, keep, limit.as_ref()),
            Special::Reduce { input, initial, step } => reduce(scope, input, initial, step),
            Special::Convert { input, to, on_error, on_null } => {
                let input = input.eval(scope)?;
                let to = to.eval(scope)?;
                scope.release_to(before);
                if matches!(input, None | Some(Value::Null)) {
                    return on_null.as_ref().map_or_else(null, |value| value.eval(scope));
                }
                match (convert::convert(input.as_ref(), to.as_ref()), on_error) {
                    (Err(error), Some(value)) if error.kind() == Kind::BadQuery => value.eval(scope),
                    (result, _) => {
                        let value = result?;
                        scope.hold_value("$convert", value.as_ref())?;
                        Ok(value)
                    }
                }
            }
            Special::Regex(call) => {
                let value = call.eval(scope)?;
                scope.release_to(before);
                scope.hold_value(call.name, value.as_ref())?;
                Ok(value)
            }
            Special::GetField { field, input } => {
                let Some(Value::String(field)) = field.eval(scope)? else {
                    return Err(refuse_type("$getField", 0, "needs a string as field"));
                };
                let value = match input.eval(scope)? {
                    Some(Value::Object(fields)) => {
                        fields.into_iter().find(|(key, _)| *key == field).map(|(_, value)| value)
                    }
                    Some(Value::Null) => Some(Value::Null),
                    _ => None,
                };
                scope.release_to(before);
                scope.hold_value("$getField", value.as_ref())?;
                Ok(value)
            }
        }
    }
}

/// The array that an operator iterates over; `None` if it is null or missing.
fn array_of(name: &str, input: &Expression, scope: &Scope<'_>) -> Result<Option<Vec<Value>>> {
    match input.eval(scope)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(other) => {
            Err(refuse_type(name, 0, &format!("needs an array as input, not {}", other.type_name())))
        }
    }
}

fn map(scope: &Scope<'_>, input: &Expression, name: &str, each: &Expression) -> Outcome {
    let before = scope.held();
    let Some(items) = array_of("$map", input, scope)? else { return null() };
    let inside = scope.held();
    let mut mapped = Vec::with_capacity(items.len());
    for item in &items {
        let value = scope.bind(&[name], &[Some(item)], |scope| each.eval(scope))?;
        scope.hold("$map", 32)?;
        mapped.push(value.unwrap_or(Value::Null));
    }
    scope.release_to(before + scope.held().saturating_sub(inside));
    Ok(Some(Value::Array(mapped)))
}

fn filter(
    scope: &Scope<'_>,
    input: &Expression,
    name: &str,
    keep: &Expression,
    limit: Option<&Expression>,
) -> Outcome {
    let before = scope.held();
    let Some(items) = array_of("$filter", input, scope)? else { return null() };
    let limit = match limit.map(|limit| limit.eval(scope)).transpose()?.flatten() {
        None | Some(Value::Null) => usize::MAX,
        Some(limit) => match as_integer(&limit).and_then(|n| usize::try_from(n).ok()) {
            Some(limit) if limit > 0 => limit,
            _ => {
                let error = refuse("$filter", "needs a whole number above 0 as limit");
                let whole = as_integer(&limit).is_some();
                return Err(if whole { error } else { error.with_code(codes::FILTER_LIMIT) });
            }
        },
    };
    let inside = scope.held();
    let mut kept = Vec::new();
    for item in items {
        scope.step(1)?;
        let value = scope.bind(&[name], &[Some(&item)], |scope| keep.eval(scope))?;
        scope.release_to(inside);
        if is_true(value.as_ref()) {
            kept.push(item);
            if kept.len() == limit {
                break;
            }
        }
    }
    let kept = Some(Value::Array(kept));
    scope.release_to(before);
    scope.hold_value("$filter", kept.as_ref())?;
    Ok(kept)
}

fn reduce(scope: &Scope<'_>, input: &Expression, initial: &Expression, step: &Expression) -> Outcome {
    let before = scope.held();
    let Some(items) = array_of("$reduce", input, scope)? else { return null() };
    let inside = scope.held();
    let mut value = initial.eval(scope)?;
    let mut bytes = scope.held().saturating_sub(inside);
    for (n, item) in items.iter().enumerate() {
        let next = scope.bind(&["value", "this"], &[value.as_ref(), Some(item)], |scope| step.eval(scope))?;
        bytes = scope.held().saturating_sub(inside + bytes);
        scope.release_to(inside + bytes);
        value = next;
        if n % UNLOOKED == 0 && value.as_ref().is_some_and(|value| depth(value) > MAX_DEPTH) {
            return Err(refuse("$reduce", format!("builds a value deeper than {MAX_DEPTH} levels")));
        }
    }
    scope.release_to(before + bytes);
    Ok(value)
}

impl RegexCall {
    fn eval(&self, scope: &Scope<'_>) -> Outcome {
        let compiled;
        let input = self.input.eval(scope)?;
        let pattern = match &self.regex {
            RegexOperand::Compiled(pattern) => Some(pattern),
            RegexOperand::Computed(pattern, options) => {
                let options = options.as_ref().map(|options| options.eval(scope)).transpose()?.flatten();
                let pattern = pattern.eval(scope)?;
                compiled = regex::compile_computed(self.name, pattern.as_ref(), options.as_ref(), scope)?;
                compiled.as_ref()
            }
        };
        regex::search(self.name, input.as_ref(), pattern, scope)
    }
}
