//! Angles.

use crate::document::Value;
use crate::query::expression::operator::{Args, Operator, Outcome, list, null};

macro_rules! function {
    ($name:literal, $apply:expr) => {
        list($name, 1, 1, |args| function(args, $apply, f64::NEG_INFINITY, f64::INFINITY))
    };
    ($name:literal, $apply:expr, $least:expr, $most:expr) => {
        list($name, 1, 1, |args| function(args, $apply, $least, $most))
    };
}

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    function!("$acos", f64::acos, -1.0, 1.0),
    function!("$acosh", f64::acosh, 1.0, f64::INFINITY),
    function!("$asin", f64::asin, -1.0, 1.0),
    function!("$asinh", f64::asinh),
    function!("$atan", f64::atan),
    list("$atan2", 2, 2, atan2),
    function!("$atanh", f64::atanh, -1.0, 1.0),
    function!("$cos", f64::cos, f64::MIN, f64::MAX),
    function!("$cosh", f64::cosh),
    function!("$degreesToRadians", f64::to_radians),
    function!("$radiansToDegrees", f64::to_degrees),
    function!("$sin", f64::sin, f64::MIN, f64::MAX),
    function!("$sinh", f64::sinh),
    function!("$tan", f64::tan, f64::MIN, f64::MAX),
    function!("$tanh", f64::tanh),
];

fn function(args: &mut Args<'_>, apply: fn(f64) -> f64, least: f64, most: f64) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let x = args.number(0)?.as_f64();
    if x < least || x > most {
        return if most == f64::MAX {
            args.fail(format!("needs a finite number, not {x}"))
        } else {
            args.fail(format!("needs a number from {least} to {most}, not {x}"))
        };
    }
    Ok(Some(Value::number(apply(x))))
}

fn atan2(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (y, x) = (args.number(0)?.as_f64(), args.number(1)?.as_f64());
    Ok(Some(Value::number(y.atan2(x))))
}
