//! A sort: its paths and directions, as a query gives them.

use super::candidate::{Candidate, best, parallel};
use super::direction::Direction;
use super::head;
use super::key::SortKey;
use crate::document::path::Part;
use crate::document::{Collation, Node, NodeKind, Path, RawValue};
use crate::error::{Result, codes};
use crate::query::expression::{Constants, Terms, path_fault};
use crate::query::refusal::bad_query;
use crate::query::syntax;

/// Keys a sort may have, MongoDB's limit.
const MAX_SORT_KEYS: usize = 32;

/// The order of a result.
#[derive(Clone, Debug)]
pub struct Sort {
    pub(super) keys: Vec<(Path, Direction)>,
    collation: Collation,
    /// A bit for each key that compares under the collation, and not by bytes.
    collated: u32,
}

impl Sort {
    /// Reads `[[path, 1 | -1], ...]` by bytes of strings; `None` when there is nothing to sort by.
    pub fn parse(sort: RawValue<'_>) -> Result<Option<Sort>> {
        Sort::parse_with(sort, &Constants::default())
    }

    /// [`Sort::parse`] of stored documents, for an operation.
    pub fn parse_with(sort: RawValue<'_>, constants: &Constants) -> Result<Option<Sort>> {
        Sort::parse_in(sort, constants.terms())
    }

    pub(in crate::query) fn parse_in(sort: RawValue<'_>, terms: Terms<'_>) -> Result<Option<Sort>> {
        if !matches!(sort.seen(), NodeKind::Array(()) | NodeKind::Null) {
            return Err(bad_query(
                "",
                format!("a sort must be pairs of path and direction, not {}", sort.seen().type_name()),
            ));
        }
        let mut keys: Vec<(Path, Direction)> = Vec::new();
        for pair in sort.items() {
            let mut entry = pair.items();
            let (Some(NodeKind::String(path)), Some(direction)) =
                (entry.next().map(Node::seen), entry.next())
            else {
                return Err(bad_query("", "a sort must be pairs of path and direction"));
            };
            let text = String::from_utf8_lossy(path);
            let direction = Direction::parse(direction.seen()).ok_or_else(|| {
                let number =
                    matches!(direction.seen(), NodeKind::Int(_) | NodeKind::Long(_) | NodeKind::Double(_));
                let code = if number { codes::SORT_DIRECTION } else { codes::SORT_DIRECTION_TYPE };
                let message = format!("the sort direction of '{text}' must be 1 or -1");
                bad_query(&text, message).with_code(code)
            })?;
            let path = Path::parse(&text);
            syntax::check_parts(&path, &text)?;
            if path.has_empty_part() || text.starts_with('$') {
                let message =
                    format!("'{text}' is no path to sort by: parts must not be empty or start with '$'");
                return Err(bad_query(&text, message).with_code(path_fault(&text)));
            }
            if keys.iter().any(|(other, _)| *other == path) {
                let message = format!("the sort names '{text}' twice");
                return Err(bad_query(&text, message).with_code(codes::SORT_TWICE));
            }
            if keys.len() == MAX_SORT_KEYS {
                let message = format!("a sort has at most {MAX_SORT_KEYS} keys");
                return Err(bad_query(&text, message).with_code(codes::TOO_MANY_KEYS));
            }
            keys.push((path, direction));
        }
        if keys.is_empty() {
            return Ok(None);
        }
        let bit = |(n, (path, _)): (usize, &(Path, Direction))| u32::from(!terms.at(path).is_simple()) << n;
        let collated = keys.iter().enumerate().map(bit).sum();
        Ok(Some(Sort { keys, collation: terms.collation().clone(), collated }))
    }

    /// Its paths, whether each descends, and how its strings compare.
    pub fn parts(&self) -> impl Iterator<Item = (&Path, bool, &Collation)> {
        let parts = self.keys.iter().enumerate();
        parts.map(|(n, (path, direction))| (path, *direction == Direction::Descending, self.collation(n)))
    }

    /// How the strings of a key compare.
    #[inline]
    pub(super) fn collation(&self, key: usize) -> &Collation {
        if self.collated >> key & 1 == 0 { &Collation::SIMPLE } else { &self.collation }
    }

    /// The sort key of the document: an array sorts by its smallest element, or by its largest if descending. Refuses
    /// a document with arrays at two of the paths.
    pub fn key(&self, document: RawValue<'_>) -> Result<SortKey> {
        self.key_of(document, |path, direction, n, met| {
            best(Some(document), path.parts(), (direction, self.collation(n)), met)
        })
    }

    /// Whether one of the paths begins with this field, so that the sort reads it.
    pub(in crate::query) fn begins_with(&self, field: &str) -> bool {
        self.keys.iter().any(|(path, _)| path.parts().first().is_some_and(|first| &*first.name == field))
    }

    pub(super) fn key_of<'a>(
        &self,
        document: RawValue<'a>,
        mut best: impl FnMut(&Path, Direction, usize, &mut bool) -> Candidate<'a>,
    ) -> Result<SortKey> {
        let (mut first, mut arrays) = (0, 0);
        let part = |(n, (path, direction)): (usize, &(Path, Direction))| {
            let mut met = false;
            let best = best(path, *direction, n, &mut met);
            arrays += usize::from(met);
            let collation = self.collation(n);
            if !collation.is_simple() {
                let standing = best.keyed(collation);
                if n == 0 {
                    first = head::of_standing(*direction, &standing);
                }
                return (*direction, standing);
            }
            if n == 0 {
                first = head::of(*direction, best);
            }
            (*direction, best.into_standing())
        };
        let parts = self.keys.iter().enumerate().map(part).collect();
        if arrays > 1 {
            self.check_parallel(document)?;
        }
        Ok(SortKey { head: first, parts })
    }

    /// Refuses arrays at two paths, unless both paths lead through the same array: it is undefined which elements
    /// would belong together.
    pub(super) fn check_parallel(&self, document: RawValue<'_>) -> Result<()> {
        let paths: Vec<&[Part]> = self.keys.iter().map(|(path, _)| path.parts()).collect();
        if !parallel(document, &paths) {
            return Ok(());
        }
        let message = "cannot sort with keys that are parallel arrays: sort by one of them, or by fields of one array's elements";
        Err(bad_query("", message))
    }
}
