//! The constraints of a filter on single paths, as intervals of values. A matching document has a value in one of the
//! intervals among those that [`Path::walk`] visits with `Leaf::Elements`; a missing value, or a walk that visits
//! nothing, counts as null.
//!
//! Bounds are independent: different elements of an array may fulfil several bounds on one path. Only if there is no
//! array on the path do they apply to one value, so that they may be intersected.

use std::borrow::Cow;

use super::clause::{Clause, Element, Filter, Test};
use super::interval::{Edge, Interval, intersect, is_within, normalise};
use crate::document::collation::has_text;
use crate::document::kind::Class;
use crate::document::{Collation, Path, Value};
use crate::query::expression::Expression;

/// Intervals, in one of which a path must have a value.
#[derive(Clone, Debug)]
pub struct Bounds<'f> {
    /// Disjoint and ascending. If there are none, nothing matches.
    pub intervals: Vec<Interval<'f>>,
    /// Whether every value within them fulfils the condition, if there is no array on the path.
    pub exact: bool,
    /// Whether a document without a value at the path may match.
    pub missing: bool,
    /// Under which strings within them are sort keys; the simple one where they are strings.
    pub collation: Collation,
}

/// The part of a filter that paths and intervals express: every matching document fulfils it.
#[derive(Clone, Debug, Default)]
pub struct Demands<'f> {
    /// Bounds on paths; each holds.
    pub fields: Vec<(Cow<'f, Path>, Bounds<'f>)>,
    /// Of each list, one entry holds.
    pub unions: Vec<Vec<Demands<'f>>>,
    /// Whether the filter has conditions that neither expresses.
    pub more: bool,
}

impl<'f> Bounds<'f> {
    /// No condition at all.
    pub fn everything() -> Bounds<'f> {
        Bounds::of(vec![Interval::everything()], false, true)
    }

    /// Whether each interval is one value.
    pub fn is_points(&self) -> bool {
        self.intervals.iter().all(Interval::is_point)
    }

    /// Whether they contain all values.
    pub fn is_everything(&self) -> bool {
        matches!(self.intervals.as_slice(), [only] if only.is_everything())
    }

    fn of(intervals: Vec<Interval<'f>>, exact: bool, missing: bool) -> Bounds<'f> {
        Bounds { intervals, exact, missing, collation: Collation::SIMPLE }
    }

    fn of_class(class: Class) -> Bounds<'f> {
        Bounds::of(vec![Interval::class(class)], false, false)
    }

    /// The bounds of a value that is in both.
    #[must_use]
    pub fn and(&self, other: &Bounds<'f>) -> Bounds<'f> {
        if self.is_mixed_with(other) {
            return Bounds { exact: false, missing: self.missing && other.missing, ..self.clone() };
        }
        Bounds {
            intervals: intersect(&self.intervals, &other.intervals),
            exact: self.exact && other.exact,
            missing: self.missing && other.missing,
            collation: self.collation_with(other),
        }
    }

    /// The bounds of a value that is in one of both.
    fn or(mut self, mut other: Bounds<'f>) -> Bounds<'f> {
        if self.is_mixed_with(&other) {
            (self, other) = (self.widened(), other.widened());
        }
        let collation = self.collation_with(&other);
        self.intervals.extend(other.intervals);
        Bounds {
            intervals: normalise(self.intervals),
            exact: self.exact && other.exact,
            missing: self.missing || other.missing,
            collation,
        }
    }

    /// Whether an end of an interval has strings, so that they are of one collation only.
    pub fn has_text(&self) -> bool {
        let is_text = |edge: &Edge<'_>| matches!(edge, Edge::Value(value, _) if has_text(&**value));
        self.intervals.iter().any(|interval| is_text(&interval.low) || is_text(&interval.high))
    }

    /// Whether they are bounds of keys under this collation too.
    pub fn fits(&self, collation: &Collation) -> bool {
        self.collation == *collation || !self.has_text()
    }

    /// Whether the strings of both do not compare with each other.
    fn is_mixed_with(&self, other: &Bounds<'_>) -> bool {
        self.collation != other.collation && self.has_text() && other.has_text()
    }

    fn collation_with(&self, other: &Bounds<'_>) -> Collation {
        if self.collation == other.collation || self.has_text() {
            self.collation.clone()
        } else {
            other.collation.clone()
        }
    }

    /// The same with whole types in place of strings.
    fn widened(self) -> Bounds<'f> {
        let wide = |edge: Edge<'f>| match &edge {
            Edge::Value(value, _) if has_text(&**value) => Edge::Class(edge.class()),
            _ => edge,
        };
        let intervals =
            self.intervals.into_iter().map(|one| Interval { low: wide(one.low), high: wide(one.high) });
        Bounds::of(normalise(intervals.collect()), false, self.missing)
    }

    /// The intervals as text.
    pub fn in_words(&self) -> Vec<String> {
        if self.collation.is_simple() {
            return self.intervals.iter().map(ToString::to_string).collect();
        }
        self.intervals.iter().map(|interval| interval.of_sort_keys().to_string()).collect()
    }

    fn has_null(&self) -> bool {
        self.intervals.first().is_some_and(|first| first.low.class() == Class::Null)
    }

    /// The bounds of a value that passes the test itself.
    fn of_test(test: &'f Test) -> Bounds<'f> {
        match test {
            Test::Equal(value) => {
                Bounds::of(vec![Interval::point(value)], true, matches!(value, Value::Null))
            }
            Test::In(values) => {
                let missing = matches!(values.first(), Some(Value::Null));
                // Sorted, but there may be duplicates.
                let points = values.iter().map(Interval::point).collect();
                Bounds::of(normalise(points), true, missing)
            }
            Test::Less(bound) => {
                let nulls = bound.class == Class::Null && bound.inclusive;
                Bounds::of(Interval::below(&bound.value, bound.inclusive), true, nulls)
            }
            Test::Greater(bound) => {
                let nulls = bound.class == Class::Null && bound.inclusive;
                Bounds::of(Interval::above(&bound.value, bound.inclusive), true, nulls)
            }
            Test::Pattern(pattern) => Bounds::of(vec![Interval::prefix(pattern.prefix())], false, false),
            Test::Among(values, patterns) => {
                let mut intervals: Vec<_> = values.iter().map(Interval::point).collect();
                intervals.extend(patterns.iter().map(|pattern| Interval::prefix(pattern.prefix())));
                Bounds::of(normalise(intervals), false, matches!(values.first(), Some(Value::Null)))
            }
            Test::Exists => Bounds { missing: false, ..Bounds::everything() },
            Test::Type(types) => {
                let (classes, exact) = types.classes();
                let intervals = classes.into_iter().map(Interval::class).collect();
                Bounds::of(normalise(intervals), exact, false)
            }
            Test::Size(_) | Test::Element(_) => Bounds::of_class(Class::Array),
            Test::Collated(collated) => {
                let keyed = match &collated.keyed {
                    // Patterns look at the strings themselves, not at their sort keys.
                    Test::Among(values, _) => {
                        let points = values.iter().map(Interval::point);
                        let all = points.chain([Interval::class(Class::String)]).collect();
                        Bounds::of(normalise(all), false, matches!(values.first(), Some(Value::Null)))
                    }
                    other => Bounds::of_test(other),
                };
                Bounds { collation: collated.collation.clone(), ..keyed }
            }
            // Other operators may pass for a missing value too.
            _ => Bounds::everything(),
        }
    }

    /// The bounds of the values at a path, where the test may look into an array at its end.
    fn of_path_test(path: &Path, test: &'f Test) -> Bounds<'f> {
        // The elements of an array that was reached by its index are not visited.
        let by_number = path.parts().last().is_none_or(|part| part.index.is_some());
        match test {
            Test::Collated(collated) if matches!(collated.keyed, Test::Contains(..)) => Bounds {
                collation: collated.collation.clone(),
                ..Bounds::of_path_test(path, &collated.keyed)
            },
            Test::Contains(value, pattern) if !by_number => {
                let element = Bounds::of(vec![Interval::point(value)], false, false);
                match pattern {
                    Some(_) => element.or(Bounds::of_class(Class::String)),
                    None => element,
                }
            }
            Test::Contains(_, None) => Bounds::of_class(Class::Array),
            Test::Element(element) if !by_number => match &**element {
                Element::Passing(clause) => {
                    let found = Bounds { exact: false, missing: false, ..of_value(clause) };
                    if found.is_everything() { Bounds::of_class(Class::Array) } else { found }
                }
                _ => Bounds::of_class(Class::Array),
            },
            test => Bounds::of_test(test),
        }
    }
}

/// The bounds of a value that passes operators itself, not by its elements.
fn of_value(clause: &Clause) -> Bounds<'_> {
    match clause {
        Clause::All(clauses) => {
            clauses.iter().map(of_value).fold(Bounds::everything(), |all, one| all.and(&one))
        }
        Clause::Any(clauses) => {
            let nothing = Bounds::of(Vec::new(), true, false);
            clauses.iter().map(of_value).fold(nothing, Bounds::or)
        }
        Clause::Field(_, test) => Bounds::of_test(test),
        _ => Bounds::everything(),
    }
}

impl Filter {
    /// The conditions that every matching document fulfils.
    pub fn demands(&self) -> Demands<'_> {
        let mut demands = Demands::default();
        demands.add(&self.root, None);
        demands
    }

    /// Whether every document that matches this filter matches the other; false if that is unknown.
    pub fn implies(&self, other: &Filter) -> bool {
        implies(&self.root, &other.root)
    }
}

impl<'f> Demands<'f> {
    fn add(&mut self, clause: &'f Clause, below: Option<&Path>) {
        match clause {
            Clause::All(clauses) => clauses.iter().for_each(|clause| self.add(clause, below)),
            Clause::Any(clauses) => match clauses.as_slice() {
                [only] => self.add(only, below),
                [] => self.more = true,
                _ => {
                    let branch = |clause| {
                        let mut demands = Demands::default();
                        demands.add(clause, below);
                        demands
                    };
                    self.unions.push(clauses.iter().map(branch).collect());
                }
            },
            Clause::Field(path, test) => self.add_field(path, test, below),
            // The smallest of the values is enough, because the filter decides.
            Clause::Every(path, every) => {
                self.more = true;
                if let (Some(value), None) = (every.values().next(), below) {
                    let bounds =
                        Bounds::of(vec![Interval::point(value)], false, matches!(value, Value::Null));
                    self.fields.push((Cow::Borrowed(path), bounds));
                }
            }
            Clause::Not(clause) => match &**clause {
                // A missing value counts as null; an explicit null has the same key.
                Clause::Field(path, Test::Exists) if below.is_none() => {
                    let bounds = Bounds::of(vec![Interval::point(&Value::Null)], false, true);
                    self.fields.push((Cow::Borrowed(path), bounds));
                }
                // What is missing at a longer path may be in an array without elements, which has the key of null and matches.
                Clause::Field(path, Test::Equal(Value::Null))
                    if below.is_none() && path.parts().len() == 1 =>
                {
                    let bounds = Bounds::of(vec![Interval::not_null()], true, false);
                    self.fields.push((Cow::Borrowed(path), bounds));
                }
                _ => self.more = true,
            },
            Clause::Expression(expression) => {
                self.more = true;
                if below.is_none() {
                    self.add_equalities(&expression.0, &expression.1);
                }
            }
        }
    }

    /// What `$expr` needs, by constants.
    fn add_equalities(&mut self, expression: &'f Expression, collation: &Collation) {
        expression.equalities(None, collation, &mut |path, value| {
            // Bounds by sort keys are those of conditions that have them.
            if let Cow::Borrowed(value) = value
                && (collation.is_simple() || !has_text(value))
            {
                self.fields.push((Cow::Owned(path), Bounds::of(vec![Interval::point(value)], false, false)));
            }
        });
    }

    fn add_field(&mut self, path: &'f Path, test: &'f Test, below: Option<&Path>) {
        let Some(outer) = below else {
            self.fields.push((Cow::Borrowed(path), Bounds::of_path_test(path, test)));
            self.look_into(path, test, Cow::Borrowed(path));
            return;
        };
        // Elements that are arrays have their indexes as keys here and no other keys; a path from the document does
        // not enter them.
        let bounds = Bounds { exact: false, ..Bounds::of_path_test(path, test) };
        if path.parts().first().is_none_or(|part| part.index.is_some()) || bounds.has_null() {
            self.more = true;
            return;
        }
        let joined = Path::of_parts(outer.parts().iter().chain(path.parts()).cloned().collect());
        self.look_into(path, test, Cow::Owned(joined.clone()));
        self.fields.push((Cow::Owned(joined), bounds));
    }

    /// The conditions on objects in an array are conditions on longer paths.
    fn look_into(&mut self, path: &Path, test: &'f Test, whole: Cow<'_, Path>) {
        let by_number = path.parts().last().is_none_or(|part| part.index.is_some());
        if let Test::Element(element) = test
            && let Element::Matching(filter) = &**element
            && !by_number
        {
            self.add(&filter.root, Some(&whole));
        }
    }
}

fn implies(given: &Clause, wanted: &Clause) -> bool {
    match wanted {
        Clause::All(clauses) => return clauses.iter().all(|wanted| implies(given, wanted)),
        Clause::Any(clauses) if clauses.iter().any(|wanted| implies(given, wanted)) => return true,
        _ => {}
    }
    match given {
        Clause::All(clauses) => clauses.iter().any(|given| implies(given, wanted)),
        Clause::Any(clauses) => clauses.iter().all(|given| implies(given, wanted)),
        Clause::Field(path, test) => match wanted {
            Clause::Field(other, wanted) => path == other && test_implies(path, test, wanted),
            _ => false,
        },
        _ => false,
    }
}

/// Whether every value that passes one test passes the other.
fn test_implies(path: &Path, given: &Test, wanted: &Test) -> bool {
    let found = Bounds::of_path_test(path, given);
    if let Test::Exists = wanted {
        return !found.missing;
    }
    // These look at whole arrays, or intervals cannot express them.
    let compared = match wanted {
        Test::Collated(collated) => &collated.test,
        plain => plain,
    };
    if !matches!(compared, Test::Equal(_) | Test::In(_) | Test::Less(_) | Test::Greater(_) | Test::Type(_)) {
        return false;
    }
    let wanted = Bounds::of_test(wanted);
    wanted.exact
        && !found.is_mixed_with(&wanted)
        && (wanted.missing || !found.missing)
        && found.intervals.iter().all(|interval| is_within(interval, &wanted.intervals))
}

impl<'f> Edge<'f> {
    /// The class of its values.
    pub fn class(&self) -> Class {
        match self {
            Edge::Class(class) => *class,
            Edge::Value(value, _) => crate::document::Node::seen(&**value).class(),
        }
    }
}
