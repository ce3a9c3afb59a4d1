//! Positional parts of an update's paths: `$`, `$[]` and `$[x]`, and the concrete paths that they stand for in a
//! document.

use crate::document::path::Part;
use crate::document::{Node, NodeKind, Object, Path, RawValue, Value};
use crate::error::{Error, Result, codes};
use crate::query::expression::Terms;
use crate::query::filter::{Clause, Filter, Test};
use crate::query::refusal::bad_update;
use crate::work::Work;

/// `arrayFilters`: conditions on elements, by the name that paths use.
#[derive(Clone, Debug, Default)]
pub(in crate::query) struct ArrayFilters {
    filters: Vec<ArrayFilter>,
}

#[derive(Clone, Debug)]
struct ArrayFilter {
    name: String,
    /// The filter as written: on an object whose only field is the element.
    named: Clause,
    /// The same filter on the element itself.
    below: Clause,
    work: Work,
}

impl ArrayFilter {
    fn chooses(&self, element: &Value) -> bool {
        // The path x.f looks into the elements of x if x is an array; the path f within x does not.
        if matches!(element, Value::Array(_)) {
            return self
                .named
                .matches(&Value::Object(vec![(self.name.clone(), element.clone())]), &self.work);
        }
        self.below.matches(element, &self.work)
    }
}

/// A positional part of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Positional<'a> {
    /// `$`
    Matched,
    /// `$[]`
    All,
    /// `$[x]`
    Named(&'a str),
}

fn positional(part: &str) -> Option<Positional<'_>> {
    match part {
        "$" => Some(Positional::Matched),
        "$[]" => Some(Positional::All),
        _ => part.strip_prefix("$[")?.strip_suffix(']').map(Positional::Named),
    }
}

/// Whether a path has a positional part.
pub(in crate::query) fn is_positional(path: &Path) -> bool {
    path.names().any(|part| positional(part).is_some())
}

/// Whether a part stands for elements of an array.
pub(in crate::query) fn stands_for_elements(part: &str) -> bool {
    positional(part).is_some()
}

/// Whether a path has the part `$`.
pub(in crate::query) fn needs_match(path: &Path) -> bool {
    path.names().any(|part| positional(part) == Some(Positional::Matched))
}

/// Refuses positional parts where they have no meaning.
pub(in crate::query) fn check(operator: &str, name: &str, path: &Path) -> Result<()> {
    let mut matched = 0;
    for (n, part) in path.names().enumerate() {
        let Some(positional) = positional(part) else {
            if part.starts_with('$') {
                let message = format!(
                    "the path '{name}' of {operator} has the part '{part}', which must not start with '$'"
                );
                return Err(bad_update(name, message).with_code(codes::DOLLAR_PREFIXED_FIELD_NAME));
            }
            continue;
        };
        if n == 0 {
            let message =
                format!("the path '{name}' of {operator} cannot start with '{part}': name the array first");
            return Err(bad_update(name, message));
        }
        if let Positional::Named(identifier) = positional {
            check_identifier(identifier).map_err(|message| bad_update(name, message))?;
        }
        matched += usize::from(positional == Positional::Matched);
    }
    if matched > 1 {
        let message = format!(
            "too many positional parts '$' in the path '{name}'; use $[] or $[x] for the other arrays"
        );
        return Err(bad_update(name, message));
    }
    Ok(())
}

fn check_identifier(identifier: &str) -> Result<(), String> {
    let fits = identifier.starts_with(|first: char| first.is_ascii_lowercase())
        && identifier.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fits {
        Ok(())
    } else {
        Err(format!(
            "an array filter's name must be letters and digits beginning with a lowercase letter, not '{identifier}'"
        ))
    }
}

impl ArrayFilters {
    /// Whether choosing elements by them is cheap.
    pub(in crate::query) fn is_light(&self) -> bool {
        self.filters.iter().all(|filter| filter.named.is_light())
    }

    /// Parses the list of filters; null means none.
    pub(in crate::query) fn parse(list: RawValue<'_>, terms: Terms<'_>) -> Result<ArrayFilters> {
        let mut filters: Vec<ArrayFilter> = Vec::new();
        match list.seen() {
            NodeKind::Null => return Ok(ArrayFilters::default()),
            NodeKind::Array(()) => {}
            other => {
                let message = format!("arrayFilters must be an array of filters, not {}", other.type_name());
                return Err(bad_update("arrayFilters", message).with_code(codes::TYPE_MISMATCH));
            }
        }
        for item in list.items() {
            let parsed = Filter::parse_node(item, terms).map_err(|error| {
                refuse(error.message()).with_code(error.code().unwrap_or(codes::BAD_VALUE))
            })?;
            let mut name = None;
            let below = below(parsed.root.clone(), &mut name)?;
            let Some(name) = name else {
                return Err(refuse("a filter must name its element, as in { x: { $gt: 5 } }"));
            };
            check_identifier(&name).map_err(|message| refuse(&message).with_code(codes::BAD_VALUE))?;
            if filters.iter().any(|known| known.name == name) {
                return Err(refuse(&format!("two filters have the name '{name}'; join them with $and")));
            }
            filters.push(ArrayFilter { name, named: parsed.root, below, work: terms.work.clone() });
        }
        Ok(ArrayFilters { filters })
    }

    /// Refuses identifiers in paths without a filter, and filters that no path uses.
    pub(in crate::query) fn check_use<'a>(
        &self,
        paths: impl Iterator<Item = &'a Path> + Clone,
    ) -> Result<()> {
        for path in paths.clone() {
            for part in path.names() {
                if let Some(Positional::Named(name)) = positional(part)
                    && self.get(name).is_none()
                {
                    let text = path.to_string();
                    let message = format!("no array filter found for identifier '{name}' in path '{text}'");
                    return Err(bad_update(&text, message));
                }
            }
        }
        for ArrayFilter { name, .. } in &self.filters {
            let part = format!("$[{name}]");
            if !paths.clone().any(|path| path.names().any(|own| own == part)) {
                return Err(refuse(&format!(
                    "the filter for identifier '{name}' was not used in the update"
                )));
            }
        }
        Ok(())
    }

    fn get(&self, name: &str) -> Option<&ArrayFilter> {
        self.filters.iter().find(|known| known.name == name)
    }

    /// The concrete paths of a path in a document. `matched` is the array element by which the document matched.
    pub(in crate::query) fn expand(
        &self,
        document: &Object,
        path: &Path,
        matched: Option<usize>,
        work: &Work,
    ) -> Result<Vec<Path>> {
        let mut expansion = Expansion { filters: self, path, matched, work, found: Vec::new() };
        let first = path.parts().first();
        let value = first.and_then(|first| document.iter().find(|(key, _)| **key == *first.name));
        let taken = first.into_iter().cloned().collect();
        expansion.step(value.map(|(_, value)| value), taken, path.parts().get(1..).unwrap_or_default())?;
        // If the work of a filter was stopped, the elements that it chose may be wrong.
        self.filters.iter().try_for_each(|filter| filter.work.believe(()))?;
        Ok(expansion.found)
    }
}

struct Expansion<'a> {
    filters: &'a ArrayFilters,
    path: &'a Path,
    matched: Option<usize>,
    work: &'a Work,
    found: Vec<Path>,
}

impl Expansion<'_> {
    /// Recursion is bounded by the number of parts of the path.
    fn step(&mut self, at: Option<&Value>, mut taken: Vec<Part>, rest: &[Part]) -> Result<()> {
        let Some((part, rest)) = rest.split_first() else {
            self.found.push(Path::of_parts(taken));
            return Ok(());
        };
        let element = |taken: &[Part], index: usize| {
            let mut next = taken.to_vec();
            next.push(Part::element(index));
            next
        };
        match positional(&part.name) {
            None => {
                let next = match at {
                    Some(Value::Array(items)) => part.index.and_then(|index| items.get(index)),
                    Some(value) => value.field(&part.name),
                    None => None,
                };
                taken.push(part.clone());
                self.step(next, taken, rest)
            }
            Some(Positional::Matched) => {
                let Some(index) = self.matched else {
                    let text = self.path.to_string();
                    let message = "the positional operator did not find the match needed from the query; the filter must name the array";
                    return Err(bad_update(&text, message));
                };
                let next = match at {
                    Some(Value::Array(items)) => items.get(index),
                    Some(value) => value.field(&index.to_string()),
                    None => None,
                };
                self.step(next, element(&taken, index), rest)
            }
            Some(all) => {
                let filter = match all {
                    Positional::Named(name) => self.filters.get(name),
                    _ => None,
                };
                let items = match at {
                    Some(Value::Array(items)) => items,
                    other => return Err(self.no_array(&Path::of_parts(taken), other)),
                };
                for (index, item) in items.iter().enumerate() {
                    self.work.step(1 + taken.len())?;
                    if filter.is_none_or(|filter| filter.chooses(item)) {
                        self.step(Some(item), element(&taken, index), rest)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn no_array(&self, at: &Path, found: Option<&Value>) -> Error {
        let message = match found {
            None => format!("the path '{at}' must exist in the document in order to apply array updates"),
            Some(value) => {
                format!(
                    "cannot apply array updates to '{at}', which is of type {}, not array",
                    value.type_name()
                )
            }
        };
        bad_update(&self.path.to_string(), message)
    }
}

/// The condition on the element itself: its paths without the identifier, which must be the same in all of them.
fn below(clause: Clause, name: &mut Option<String>) -> Result<Clause> {
    let all = |clauses: Vec<Clause>, name: &mut Option<String>| {
        clauses.into_iter().map(|clause| below(clause, name)).collect::<Result<Vec<_>>>()
    };
    Ok(match clause {
        Clause::All(clauses) => Clause::All(all(clauses, name)?),
        Clause::Any(clauses) => Clause::Any(all(clauses, name)?),
        Clause::Not(clause) => Clause::Not(Box::new(below(*clause, name)?)),
        Clause::Every(path, every) => match below(Clause::Field(path, Test::Exists), name)? {
            Clause::Field(path, _) => Clause::Every(path, every),
            other => other,
        },
        Clause::Field(path, test) => {
            let Some((first, rest)) = path.parts().split_first() else {
                return Ok(Clause::Field(path, test));
            };
            match name {
                None => *name = Some(first.name.to_string()),
                Some(known) if **known == *first.name => {}
                Some(known) => {
                    let message =
                        format!("a filter is about one element, but names '{known}' and '{}'", first.name);
                    return Err(refuse(&message));
                }
            }
            Clause::Field(Path::of_parts(rest.to_vec()), test)
        }
        Clause::Expression(_) => return Err(refuse("$expr cannot be about an element; use operators")),
    })
}

fn refuse(why: &str) -> Error {
    bad_update("arrayFilters", format!("arrayFilters: {why}")).with_code(codes::FAILED_TO_PARSE)
}
