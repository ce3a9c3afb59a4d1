//! `$regexMatch`, `$regexFind`, `$regexFindAll`: regular expressions with what they found and captured.

use super::operator::{null, refuse};
use super::parse::Parser;
use super::scope::Scope;
use super::tree::{Expression, Outcome};
use crate::document::{Node, Seen, Value};
use crate::error::{Result, codes};
use crate::query::pattern::{CapturingPattern, Source};
use crate::work::Work;

/// Bytes that a search passes in a step.
const BYTES_A_STEP: usize = 128;
/// The same for one of many searches, few of which look far.
const SEARCHED: usize = 16 << 10;

/// One call.
#[derive(Clone, Debug)]
pub(super) struct RegexCall {
    name: &'static str,
    input: Expression,
    regex: Regex,
}

#[derive(Clone, Debug)]
enum Regex {
    /// Constant, so compiled once.
    Compiled(CapturingPattern),
    /// Source and options are known with the document.
    Made(Expression, Option<Expression>),
}

impl RegexCall {
    /// Reads one of these operators; `None` for another.
    pub(super) fn parse(parser: &mut Parser, name: &str, operand: &Value) -> Result<Option<RegexCall>> {
        const NAMES: [&str; 3] = ["$regexMatch", "$regexFind", "$regexFindAll"];
        let Some(name) = NAMES.into_iter().find(|own| *own == name) else { return Ok(None) };
        let Value::Object(given) = operand else {
            let message = format!("{name} needs an object with input, regex, options");
            return parser.fail_as(codes::operator(name).of_shape(), message);
        };
        let find = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        if let Some((key, _)) =
            given.iter().find(|(key, _)| !["input", "regex", "options"].contains(&key.as_str()))
        {
            let message = format!("{name} knows input, regex, options, but not '{key}'");
            return parser.fail_as(codes::operator(name).unknown(), message);
        }
        let (Some(input), Some(regex)) = (find("input"), find("regex")) else {
            let code = codes::operator(name).missing(usize::from(find("input").is_some()));
            return parser.fail_as(code, format!("{name} needs 'input' and 'regex'"));
        };
        let input = parser.inside("input", |parser| parser.expression(input))?;
        let options =
            find("options").map(|value| parser.inside("options", |parser| parser.expression(value)));
        let options = options.transpose()?;
        let constant = options.as_ref().map(Expression::as_literal);
        let regex = if let Some(source) = Source::of(regex) {
            let Some(options) = constant.unwrap_or(Some(&Value::Null)) else {
                return parser.fail(format!("{name} with a regular expression needs constant options"));
            };
            Regex::Compiled(compile(name, source, Some(options), parser.work())?)
        } else {
            let regex = parser.inside("regex", |parser| parser.expression(regex))?;
            match (regex.as_literal(), constant) {
                (Some(Value::String(text)), None | Some(Some(_))) => {
                    let source = Source { pattern: text, options: "" };
                    Regex::Compiled(compile(name, source, constant.flatten(), parser.work())?)
                }
                _ => Regex::Made(regex, options),
            }
        };
        Ok(Some(RegexCall { name, input, regex }))
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn eval(&self, scope: &Scope<'_>) -> Outcome {
        let made;
        let input = self.input.eval(scope)?;
        let pattern = match &self.regex {
            Regex::Compiled(pattern) => Some(pattern),
            Regex::Made(regex, options) => {
                let options = options.as_ref().map(|options| options.eval(scope)).transpose()?.flatten();
                match regex.eval(scope)? {
                    None | Some(Value::Null) => None,
                    Some(Value::String(text)) => {
                        let source = Source { pattern: &text, options: "" };
                        // It goes again with the value; meanwhile it counts as any other.
                        let held = scope.work().held();
                        made = compile(self.name, source, options.as_ref(), scope.work())?;
                        scope
                            .work()
                            .release("a regular expression", scope.work().held().saturating_sub(held));
                        Some(&made)
                    }
                    Some(other) => {
                        let message = format!(
                            "needs a regular expression or a string as regex, not {}",
                            other.type_name()
                        );
                        return Err(
                            refuse(self.name, message).with_code(codes::operator(self.name).of_type(1))
                        );
                    }
                }
            }
        };
        let text = match (&input, pattern) {
            (None | Some(Value::Null), _) | (_, None) => None,
            (Some(Value::String(text)), Some(pattern)) => Some((text, pattern)),
            (Some(other), _) => {
                let message = format!("needs a string as input, not {}", other.type_name());
                return Err(refuse(self.name, message).with_code(codes::operator(self.name).of_type(0)));
            }
        };
        if let Some((text, _)) = text {
            scope.step(1 + text.len() / BYTES_A_STEP)?;
        }
        match (self.name, text) {
            ("$regexMatch", text) => {
                Ok(Some(Value::Bool(text.is_some_and(|(text, pattern)| pattern.find(text, 0).is_some()))))
            }
            ("$regexFind", Some((text, pattern))) => {
                pattern.find(text, 0).map_or_else(null, |found| Ok(Some(found.document(None))))
            }
            ("$regexFind", None) => null(),
            (_, Some((text, pattern))) => Ok(Some(Value::Array(all(text, pattern, scope)?))),
            (_, None) => Ok(Some(Value::Array(Vec::new()))),
        }
    }
}

/// The pattern of a source, with the options that stand in it or beside it.
fn compile(name: &str, source: Source<'_>, beside: Option<&Value>, work: &Work) -> Result<CapturingPattern> {
    let options = match beside.map(Node::seen) {
        None | Some(Seen::Null) => source.options,
        Some(Seen::String(_)) if !source.options.is_empty() => {
            let message = "has options in the regular expression and beside it; give them once";
            return Err(refuse(name, message).with_code(codes::REGEX_EXPRESSION_OPTIONS));
        }
        Some(Seen::String(text)) => std::str::from_utf8(text).unwrap_or_default(),
        Some(other) => {
            let message = format!("needs a string as options, not {}", other.type_name());
            return Err(refuse(name, message).with_code(codes::operator(name).of_type(2)));
        }
    };
    Source { options, ..source }.compile_capturing(name, work)
}

/// Bytes that the matches of one text may take, about; MongoDB's limit.
const MOST_BYTES: usize = 64 << 20;

/// All matches, none inside another. An empty one is followed by the search from the next character.
fn all(text: &str, pattern: &CapturingPattern, scope: &Scope<'_>) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let (mut from, mut counted, mut points, mut bytes) = (0, 0, 0, 0);
    while let Some(found) = pattern.find(text, from) {
        // Code points are counted once, from match to match.
        points += text.get(counted..found.start).unwrap_or_default().chars().count();
        counted = found.start;
        bytes += found.size();
        scope.hold("$regexFindAll", found.size())?;
        // A search may look at all that is left of the text before it knows.
        scope.step(1 + (text.len() - from.min(text.len())) / SEARCHED)?;
        if bytes > MOST_BYTES {
            return Err(refuse(
                "$regexFindAll",
                format!("finds more than {} MiB; narrow the expression", MOST_BYTES >> 20),
            ));
        }
        all.push(found.document(Some(points)));
        from = found.end;
        if found.end == found.start {
            from += text.get(from..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        }
        if from >= text.len() {
            break;
        }
    }
    Ok(all)
}
