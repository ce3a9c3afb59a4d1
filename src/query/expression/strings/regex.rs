//! `$regexMatch`, `$regexFind`, `$regexFindAll`: regular expressions with their matches and captures.

use crate::document::{Node, NodeKind, Value};
use crate::error::{Result, codes};
use crate::query::expression::operator::{Outcome, bool, null, refuse, refuse_type};
use crate::query::expression::scope::Scope;
use crate::query::pattern::{CapturingPattern, Source};
use crate::work::Work;

/// Bytes that a search reads per step.
const BYTES_A_STEP: usize = 128;
/// The same for one of many searches, most of which end early.
const SEARCHED: usize = 16 << 10;

/// Searches a text; `regex` is `None` where it is null or missing.
pub(in crate::query) fn search(
    name: &str,
    input: Option<&Value>,
    regex: Option<&CapturingPattern>,
    scope: &Scope<'_>,
) -> Outcome {
    let text = match (input, regex) {
        (None | Some(Value::Null), _) | (_, None) => None,
        (Some(Value::String(text)), Some(regex)) => Some((text, regex)),
        (Some(other), _) => {
            let message = format!("needs a string as input, not {}", other.type_name());
            return Err(refuse_type(name, 0, &message));
        }
    };
    if let Some((text, _)) = text {
        scope.step(1 + text.len() / BYTES_A_STEP)?;
    }
    match (name, text) {
        ("$regexMatch", text) => bool(text.is_some_and(|(text, regex)| regex.find(text, 0).is_some())),
        ("$regexFind", Some((text, regex))) => {
            regex.find(text, 0).map_or_else(null, |found| Ok(Some(found.document(None))))
        }
        ("$regexFind", None) => null(),
        (_, Some((text, regex))) => Ok(Some(Value::Array(all(text, regex, scope)?))),
        (_, None) => Ok(Some(Value::Array(Vec::new()))),
    }
}

/// Compiles an expression that was computed for a document; `None` where it is null or missing.
pub(in crate::query) fn compile_computed(
    name: &str,
    regex: Option<&Value>,
    options: Option<&Value>,
    scope: &Scope<'_>,
) -> Result<Option<CapturingPattern>> {
    match regex {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let source = Source { pattern: text, options: "" };
            // Its memory is counted only while it is compiled, because it is dropped as soon as the value is
            // computed.
            let held = scope.work().held();
            let compiled = compile(name, source, options, scope.work())?;
            scope.work().release("a regular expression", scope.work().held().saturating_sub(held));
            Ok(Some(compiled))
        }
        Some(other) => {
            let found = other.type_name();
            let message = format!("needs a regular expression or a string as regex, not {found}");
            Err(refuse_type(name, 1, &message))
        }
    }
}

/// The pattern of a source, with the options that are part of it or given separately.
pub(in crate::query) fn compile(
    name: &str,
    source: Source<'_>,
    beside: Option<&Value>,
    work: &Work,
) -> Result<CapturingPattern> {
    let options = match beside.map(Node::seen) {
        None | Some(NodeKind::Null) => source.options,
        Some(NodeKind::String(_)) if !source.options.is_empty() => {
            let message = "has options in the regular expression and beside it; give them once";
            return Err(refuse(name, message).with_code(codes::REGEX_EXPRESSION_OPTIONS));
        }
        Some(NodeKind::String(text)) => std::str::from_utf8(text).unwrap_or_default(),
        Some(other) => {
            let message = format!("needs a string as options, not {}", other.type_name());
            return Err(refuse_type(name, 2, &message));
        }
    };
    Source { options, ..source }.compile_capturing(name, work)
}

/// Approximate bytes that the matches of one text may take; MongoDB's limit.
const MOST_BYTES: usize = 64 << 20;

/// All matches without overlaps. After an empty match the search continues at the next character.
fn all(text: &str, pattern: &CapturingPattern, scope: &Scope<'_>) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let (mut from, mut counted, mut points, mut bytes) = (0, 0, 0, 0);
    while let Some(found) = pattern.find(text, from) {
        // Code points are counted once, from match to match.
        points += text.get(counted..found.start).unwrap_or_default().chars().count();
        counted = found.start;
        bytes += found.size();
        scope.hold("$regexFindAll", found.size())?;
        // A search may read the rest of the text.
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
