//! Operators that are functions of their evaluated arguments, and access to these arguments.

use smallvec::SmallVec;

use super::numbers::Num;
use super::scope::{Env, Scope};
use crate::document::value::MAX_DATE;
use crate::document::{Collation, Value, id};
use crate::error::codes::{self, Code};
use crate::error::{Error, Result};
use crate::query::refusal::bad_query;
use crate::work::Work;

/// The result of an evaluation: a value, or nothing if it is missing.
pub(super) type Outcome = Result<Option<Value>>;

/// An operator: its name, its arguments, its function.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) run: fn(&mut Args<'_>) -> Outcome,
}

/// The syntax of arguments.
#[derive(Debug)]
pub(super) enum Shape {
    /// One, or an array of this many.
    List(usize, usize),
    /// An object with these fields; the first ones, as many as the number says, are required.
    Named(&'static [&'static str], usize),
    /// An object with these fields, or one value for the first field.
    NamedOrOne(&'static [&'static str], usize),
}

/// Any number of arguments.
pub(super) const ANY: usize = usize::MAX;

pub(super) const fn list(
    name: &'static str,
    least: usize,
    most: usize,
    run: fn(&mut Args<'_>) -> Outcome,
) -> Operator {
    Operator { name, shape: Shape::List(least, most), run }
}

pub(super) const fn named(
    name: &'static str,
    fields: &'static [&'static str],
    required: usize,
    run: fn(&mut Args<'_>) -> Outcome,
) -> Operator {
    Operator { name, shape: Shape::Named(fields, required), run }
}

/// The evaluated arguments of one call.
pub(super) struct Args<'a> {
    name: &'static str,
    scope: &'a Scope<'a>,
    /// Not given, given but missing, or a value.
    #[expect(clippy::option_option, reason = "not given and missing are two things")]
    values: SmallVec<[Option<Option<Value>>; 4]>,
}

pub(super) fn null() -> Outcome {
    Ok(Some(Value::Null))
}

pub(super) fn bool(value: bool) -> Outcome {
    Ok(Some(Value::Bool(value)))
}

pub(super) fn int(number: usize) -> Outcome {
    Ok(Some(Value::number(number as f64)))
}

/// A date of this many milliseconds since 1970, refused where JavaScript has none.
pub(super) fn date(args: &Args<'_>, millis: i128) -> Outcome {
    match i64::try_from(millis) {
        Ok(millis) if millis.unsigned_abs() <= MAX_DATE => Ok(Some(Value::Date(millis))),
        _ => {
            let step = matches!(args.name(), "$dateAdd" | "$dateSubtract");
            let code = if step { codes::operator(args.name()).of_value() } else { codes::OVERFLOW };
            args.fail_as(code, "leaves the range of dates, 100,000,000 days around 1970")
        }
    }
}

pub(super) fn text(text: String) -> Outcome {
    Ok(Some(Value::String(text)))
}

pub(super) fn array(items: Vec<Value>) -> Outcome {
    Ok(Some(Value::Array(items)))
}

impl<'a> Args<'a> {
    pub(super) fn new(name: &'static str, scope: &'a Scope<'a>) -> Args<'a> {
        Args { name, scope, values: SmallVec::new() }
    }

    #[expect(clippy::option_option, reason = "not given and missing are two things")]
    pub(super) fn push(&mut self, value: Option<Option<Value>>) {
        self.values.push(value);
    }

    pub(super) fn env(&self) -> &'a Env {
        self.scope.env
    }

    /// Counts steps of work. An operator whose loops exceed the number of elements of its arguments must count them.
    #[inline]
    pub(super) fn step(&self, steps: usize) -> Result<()> {
        self.scope.step(steps)
    }

    /// Counts bytes that the operator allocates besides its arguments, until it returns.
    #[inline]
    pub(super) fn hold(&self, bytes: usize) -> Result<()> {
        self.scope.hold(self.name, bytes)
    }

    /// The order of strings.
    #[inline]
    pub(super) fn collation(&self) -> &'a Collation {
        self.scope.collation()
    }

    /// The work of the operation.
    pub(super) fn work(&self) -> &'a Work {
        self.scope.work()
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn is_given(&self, index: usize) -> bool {
        matches!(self.values.get(index), Some(Some(_)))
    }

    pub(super) fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index)?.as_ref()?.as_ref()
    }

    pub(super) fn take(&mut self, index: usize) -> Option<Value> {
        self.values.get_mut(index)?.as_mut()?.take()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&Value>> {
        self.values.iter().map(|value| value.as_ref().and_then(Option::as_ref))
    }

    /// Whether it is null or missing.
    pub(super) fn nullish(&self, index: usize) -> bool {
        matches!(self.get(index), None | Some(Value::Null))
    }

    /// Whether one of the given arguments is null or missing.
    pub(super) fn any_nullish(&self) -> bool {
        (0..self.values.len()).any(|index| self.is_given(index) && self.nullish(index))
    }

    pub(super) fn fail<T>(&self, message: impl std::fmt::Display) -> Result<T> {
        Err(refuse(self.name, message))
    }

    /// The same with this error code.
    pub(super) fn fail_as<T>(&self, code: Code, message: impl std::fmt::Display) -> Result<T> {
        Err(refuse(self.name, message).with_code(code))
    }

    fn wrong<T>(&self, index: usize, wanted: &str) -> Result<T> {
        self.wrong_as(codes::operator(self.name).of_type(index), index, wanted)
    }

    fn wrong_as<T>(&self, code: Code, index: usize, wanted: &str) -> Result<T> {
        let found = self.get(index).map_or("missing", Value::type_name);
        let place = if self.values.len() > 1 { format!(" as argument {}", index + 1) } else { String::new() };
        self.fail_as(code, format!("needs {wanted}{place}, not {found}"))
    }

    pub(super) fn text(&self, index: usize) -> Result<&str> {
        match self.get(index) {
            Some(Value::String(text)) => Ok(text),
            _ => self.wrong(index, "a string"),
        }
    }

    pub(super) fn array(&self, index: usize) -> Result<&[Value]> {
        match self.get(index) {
            Some(Value::Array(items)) => Ok(items),
            _ => self.wrong(index, "an array"),
        }
    }

    pub(super) fn take_array(&mut self, index: usize) -> Result<Vec<Value>> {
        match self.take(index) {
            Some(Value::Array(items)) => Ok(items),
            other => {
                if let Some(slot) = self.values.get_mut(index) {
                    *slot = Some(other);
                }
                self.wrong(index, "an array")
            }
        }
    }

    pub(super) fn object(&self, index: usize) -> Result<&[(String, Value)]> {
        match self.get(index) {
            Some(Value::Object(fields)) => Ok(fields),
            _ => self.wrong(index, "an object"),
        }
    }

    pub(super) fn number(&self, index: usize) -> Result<Num> {
        match self.get(index).and_then(Num::of) {
            Some(number) => Ok(number),
            None => self.wrong(index, "a number"),
        }
    }

    pub(super) fn integer(&self, index: usize) -> Result<i64> {
        match self.get(index).and_then(crate::query::number::as_integer) {
            Some(number) => Ok(number),
            None => match self.get(index).and_then(Num::of).map(Num::as_f64) {
                Some(number) => {
                    let wanted =
                        if number.fract() == 0.0 { "a whole number of 64 bits" } else { "a whole number" };
                    self.wrong_as(codes::operator(self.name).not_whole(index), index, wanted)
                }
                None => self.wrong(index, "a whole number"),
            },
        }
    }

    /// The time of a date or an ObjectId.
    pub(super) fn date(&self, index: usize) -> Result<i64> {
        match self.get(index) {
            Some(Value::Date(millis)) => Ok(*millis),
            Some(Value::ObjectId(id)) => Ok(id::object_id_time(id)),
            _ => self.wrong(index, "a date"),
        }
    }
}

/// The error of an operator that refuses its operands.
pub(super) fn refuse(operator: &str, message: impl std::fmt::Display) -> Error {
    bad_query("", format!("{operator} {message}")).with_code(codes::operator(operator).of_value())
}

/// The error of an argument of a wrong type.
pub(super) fn refuse_type(operator: &str, argument: usize, message: &str) -> Error {
    refuse(operator, message).with_code(codes::operator(operator).of_type(argument))
}
