//! An update: operators with their paths, parsed once, applied to trees.
//!
//! Changes apply in the order of their paths (numbers by value, names by bytes), as in MongoDB, so that the order of
//! new fields does not depend on the order of the update. No path may be a prefix of another, neither as written nor
//! after its positional parts were resolved.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::change::{Change, Entry, Moment, UpdateTarget, known};
use super::change_at::{apply_one, immutable};
use super::changed;
use super::positional;
use super::positional::{ArrayFilters, is_positional};
use super::wide::{WIDE, apply_wide};
use crate::document::path::Part;
use crate::document::{Collation, Node, NodeKind, Object, Path, RawValue, Value};
use crate::error::{Error, Result, codes};
use crate::query::aggregate::update::UpdatePipeline;
use crate::query::expression::Constants;
use crate::query::refusal::bad_update;
use crate::work::Work;

/// The largest index in a path for which filling an array with nulls is cheap.
const NEAR: usize = 1_000;
/// The largest size of an update that is cheap on a small document, in bytes.
const LIGHT: usize = 4 << 10;

/// An update, parsed.
#[derive(Clone, Debug)]
pub struct Update {
    changes: Vec<(Path, Change)>,
    filters: ArrayFilters,
    /// Whether some path has a positional part.
    positional: bool,
    /// Whether some path has the part `$`.
    needs_match: bool,
    /// Whether every change may be applied to stored bytes.
    flat: bool,
    /// Whether applying it to a small document is cheap.
    light: bool,
    /// A pipeline instead of operators.
    pipeline: Option<UpdatePipeline>,
    /// The order of strings.
    collation: Collation,
}

impl Update {
    /// Parses an update and its array filters, which its paths name by `$[x]`; `BAD_UPDATE` names the path of the
    /// fault.
    pub fn parse(update: RawValue<'_>, array_filters: Option<RawValue<'_>>) -> Result<Update> {
        Update::parse_with(update, array_filters, &Constants::default())
    }

    /// [`Update::parse`] for an operation: with its variables of the option `let`, and its work.
    pub fn parse_with(
        update: RawValue<'_>,
        array_filters: Option<RawValue<'_>>,
        constants: &Constants,
    ) -> Result<Update> {
        if matches!(update.seen(), NodeKind::Array(())) {
            if array_filters.is_some() {
                let message = "a pipeline takes no arrayFilters; leave them out";
                return Err(bad_update("", message).with_code(codes::FAILED_TO_PARSE));
            }
            return Ok(Update::of_pipeline(UpdatePipeline::parse(update, constants)?));
        }
        if !matches!(update.seen(), NodeKind::Object(())) {
            let found = update.seen().type_name();
            let message = format!("an update must be an object of operators, not {found}");
            return Err(bad_update("", message).with_code(codes::FAILED_TO_PARSE));
        }
        let collation = constants.collation().clone();
        let changes = parse_changes(update, &collation)?;
        let paths = || changes.iter().map(|(path, _)| path);
        check_conflicts(paths())?;
        let filters = array_filters
            .map(|list| ArrayFilters::parse(list, constants.terms().nested()))
            .transpose()?
            .unwrap_or_default();
        filters.check_use(paths())?;
        let positional = paths().any(is_positional);
        if positional {
            check_mixture(&paths().collect::<Vec<_>>())?;
        }
        let needs_match = paths().any(positional::needs_match);
        let flat = collation.is_simple() && changes.iter().all(|(path, change)| change.is_flat(path));
        let light = update.bytes().len() <= LIGHT
            && filters.is_light()
            && paths()
                .all(|path| path.parts().iter().all(|part| part.index.is_none_or(|index| index <= NEAR)))
            && changes.iter().all(|(_, change)| change.is_light());
        Ok(Update { changes, filters, positional, needs_match, flat, light, pipeline: None, collation })
    }

    fn of_pipeline(pipeline: UpdatePipeline) -> Update {
        Update {
            changes: Vec::new(),
            filters: ArrayFilters::default(),
            positional: false,
            needs_match: false,
            flat: false,
            light: false,
            pipeline: Some(pipeline),
            collation: Collation::SIMPLE,
        }
    }

    /// The changes, if all of them may be applied to stored bytes.
    pub(in crate::query) fn flat_changes(&self) -> Option<&[(Path, Change)]> {
        self.flat.then_some(&self.changes[..])
    }

    /// Whether applying it to a small document is cheap: its operands are small, without regular expressions.
    pub fn is_light(&self) -> bool {
        self.light
    }

    /// Whether `apply` needs the array element by which the document matched.
    pub fn needs_match(&self) -> bool {
        self.needs_match
    }

    /// Changes the tree and returns whether anything changed. After an error the tree must be dropped. `now` is in milliseconds
    /// since 1970; `matched` is `Filter::position` of the document, for `$`.
    pub fn apply(
        &self,
        document: &mut Object,
        now: i64,
        target: UpdateTarget,
        matched: Option<usize>,
    ) -> Result<bool> {
        self.apply_within(document, now, target, matched, &Work::default())
    }

    /// [`Update::apply`] that counts its steps and its memory.
    pub fn apply_within(
        &self,
        document: &mut Object,
        now: i64,
        target: UpdateTarget,
        matched: Option<usize>,
        work: &Work,
    ) -> Result<bool> {
        work.check()?;
        if let Some(pipeline) = &self.pipeline {
            return pipeline.apply(document, now);
        }
        let moment = Moment { now, target, work, collation: &self.collation };
        if !self.positional {
            if self.changes.len() > WIDE {
                return apply_wide(&self.entries(), document, moment, WIDE);
            }
            return self.apply_each(document, moment);
        }
        let mut changed = false;
        let mut concrete = Vec::new();
        for (path, change) in &self.changes {
            if is_positional(path) {
                let paths = self.filters.expand(document, path, matched, work)?;
                concrete.extend(paths.into_iter().map(|path| (path, change)));
            } else {
                concrete.push((path.clone(), change));
            }
        }
        concrete.sort_by(|(a, _), (b, _)| compare_paths(a, b));
        check_conflicts(concrete.iter().map(|(path, _)| path))?;
        if concrete.len() > WIDE {
            let entries: Vec<Entry<'_>> = concrete.iter().map(|(path, change)| (path, *change)).collect();
            return apply_wide(&entries, document, moment, WIDE);
        }
        for (path, change) in concrete {
            work.step(document.len())?;
            changed |= apply_one(document, &path, change, moment)?;
        }
        Ok(changed)
    }

    /// Appends the paths in which an updated document differs from the one before, as
    /// [`changes`](crate::document::changes) writes them.
    pub(crate) fn changed<'a>(&'a self, before: RawValue<'a>, after: &'a Value, out: &mut Vec<u8>) {
        match &self.pipeline {
            Some(_) => changed::difference(before, after, out),
            None => changed::by_operators(before, after, &self.changes, out),
        }
    }

    /// The changes with their paths.
    pub(in crate::query) fn entries(&self) -> Vec<Entry<'_>> {
        self.changes.iter().map(|(path, change)| (path, change)).collect()
    }

    /// Applies one change after another.
    pub(in crate::query) fn apply_each(&self, document: &mut Object, moment: Moment<'_>) -> Result<bool> {
        let mut changed = false;
        for (path, change) in &self.changes {
            moment.work.step(document.len())?;
            changed |= apply_one(document, path, change, moment)?;
        }
        Ok(changed)
    }
}

/// No path may be a prefix of the next. In sorted order a prefix directly precedes the paths that it begins.
fn check_conflicts<'a>(paths: impl Iterator<Item = &'a Path>) -> Result<()> {
    let mut before: Option<&Path> = None;
    for path in paths {
        if let Some(before) = before
            && path.starts_with(before)
        {
            return Err(conflict(path, before));
        }
        before = Some(path);
    }
    Ok(())
}

/// A path may not use an array filter where another path has an index or a name.
fn check_mixture(paths: &[&Path]) -> Result<()> {
    // For each prefix: a path that continues with an array filter, and one that does not.
    let mut known: HashMap<String, [Option<&Path>; 2]> = HashMap::new();
    for path in paths {
        let mut before = String::new();
        for name in path.names() {
            let here = known.entry(before.clone()).or_default();
            let of_array = name.starts_with("$[");
            if let Some(other) = here[usize::from(!of_array)] {
                return Err(conflict(path, other));
            }
            here[usize::from(of_array)].get_or_insert(path);
            before.push_str(name);
            before.push('.');
        }
    }
    Ok(())
}

fn conflict(path: &Path, other: &Path) -> Error {
    let message = format!("Updating the path '{path}' would create a conflict at '{other}'");
    bad_update(&path.to_string(), message).with_code(codes::CONFLICTING_UPDATE_OPERATORS)
}

/// The changes of all operators, in the order of their paths.
fn parse_changes(update: RawValue<'_>, collation: &Collation) -> Result<Vec<(Path, Change)>> {
    let mut changes = Vec::new();
    let mut empty = true;
    for (operator, operands) in update.fields() {
        empty = false;
        check_operator(operator, operands)?;
        for (name, operand) in operands.fields() {
            let path = parse_path(operator, name)?;
            let Some(operator) = known(operator) else {
                let target = parse_target(name, operand.seen())?;
                check_rename(name, &path, &target)?;
                changes.push((target, Change::RenameFrom(path.clone())));
                changes.push((path, Change::RenameAway));
                continue;
            };
            let change = Change::parse(operator, name, operand, collation)?;
            change.check_depth(&path)?;
            changes.push((path, change));
        }
    }
    if empty {
        let message = "an update needs at least one operator, as in { $set: { age: 5 } }";
        return Err(bad_update("", message).with_code(codes::FAILED_TO_PARSE));
    }
    changes.sort_by(|(a, _), (b, _)| compare_paths(a, b));
    Ok(changes)
}

/// `$rename` takes no positional parts.
fn check_rename(name: &str, path: &Path, target: &Path) -> Result<()> {
    for (end, path) in [("source", path), ("destination", target)] {
        if is_positional(path) {
            let message = format!("the {end} field for $rename may not be dynamic: '{path}'");
            return Err(bad_update(name, message));
        }
    }
    Ok(())
}

fn check_operator<'a>(operator: &str, operands: impl Node<'a>) -> Result<()> {
    if !operator.starts_with('$') {
        let message = format!(
            "'{operator}' is no update operator; fields are set with $set, whole documents with replaceOne"
        );
        return Err(bad_update(operator, message).with_code(codes::FAILED_TO_PARSE));
    }
    if operator != "$rename" && known(operator).is_none() {
        let message = format!("unknown update operator '{operator}'");
        return Err(bad_update(operator, message).with_code(codes::FAILED_TO_PARSE));
    }
    if !matches!(operands.seen(), NodeKind::Object(())) {
        let message = format!("{operator} needs an object of paths, not {}", operands.seen().type_name());
        return Err(bad_update(operator, message).with_code(codes::FAILED_TO_PARSE));
    }
    Ok(())
}

fn parse_path(operator: &str, name: &str) -> Result<Path> {
    let path = Path::parse(name);
    if path.has_empty_part() {
        let message = format!("the path '{name}' of {operator} has an empty part; name each part");
        return Err(bad_update(name, message).with_code(codes::EMPTY_FIELD_NAME));
    }
    positional::check(operator, name, &path)?;
    Ok(path)
}

/// The target of `$rename`; `_id` cannot be renamed.
fn parse_target(name: &str, operand: NodeKind<'_>) -> Result<Path> {
    let NodeKind::String(target) = operand else {
        let found = operand.type_name();
        return Err(bad_update(name, format!("$rename of '{name}' needs a path to rename to, not {found}")));
    };
    if name == "_id" || name.starts_with("_id.") {
        return Err(immutable(&Path::parse(name)));
    }
    parse_path("$rename", &String::from_utf8_lossy(target))
}

fn compare_paths(a: &Path, b: &Path) -> Ordering {
    let key = |part: &Part| (part.index.is_none(), part.index);
    for (a, b) in a.parts().iter().zip(b.parts()) {
        let order = key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name));
        if order.is_ne() {
            return order;
        }
    }
    a.parts().len().cmp(&b.parts().len())
}
