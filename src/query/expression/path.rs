//! Field paths of expressions. Unlike the paths of filters they descend through every array and never name an element
//! by index.

use crate::document::{MAX_DEPTH, Node, NodeKind, Value};
use crate::error::codes::{self, Code};

/// Characters of a path that messages show.
const SHOWN: usize = 100;

/// The parts of `$a.b`; none for the document itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldPath(Box<[Box<str>]>);

impl FieldPath {
    /// Whether it is `_id`.
    pub(in crate::query) fn is_id(&self) -> bool {
        matches!(self.parts(), [part] if **part == *"_id")
    }

    /// The empty path: the value itself.
    pub(in crate::query) fn here() -> FieldPath {
        FieldPath(Box::default())
    }

    /// Reads `a.b`; `None` when a part is empty, starts with `$`, or holds a NUL, and when there are more than `MAX_DEPTH`
    /// parts: every object that a path makes, and every recursion along it, is as deep as it has parts.
    pub(in crate::query) fn parse(text: &str) -> Option<FieldPath> {
        let fine = |part: &str| !part.is_empty() && !part.starts_with('$') && !part.contains('\0');
        let read = !is_too_long(text) && text.split('.').all(fine);
        read.then(|| FieldPath(text.split('.').map(Box::from).collect()))
    }

    /// The reason why this text is not a path.
    pub(in crate::query) fn fault(text: &str) -> String {
        if is_too_long(text) {
            return format!("it has {} parts, and a path has at most {MAX_DEPTH}", text.split('.').count());
        }
        "parts must not be empty or start with '$'".to_owned()
    }

    /// The text of a path for a message, truncated if it is long.
    pub(in crate::query) fn shown(text: &str) -> &str {
        text.char_indices().nth(SHOWN).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
    }

    /// Its parts.
    pub(in crate::query) fn parts(&self) -> &[Box<str>] {
        &self.0
    }

    /// The value at the path.
    pub(in crate::query) fn of<'a>(&self, node: impl Node<'a>) -> Option<Value> {
        follow(node, &self.0)
    }

    /// The node at the path; `Err` if there is an array on the path, so that `of` must build the value.
    pub(in crate::query) fn node<'a, N: Node<'a>>(&self, node: N) -> Result<Option<N>, Blocked> {
        follow_plain(node, &self.0)
    }

    /// [`FieldPath::node`] of an object whose field of the first part is `first`.
    pub(in crate::query) fn node_below<'a, N: Node<'a>>(&self, first: N) -> Result<Option<N>, Blocked> {
        follow_plain(first, self.0.get(1..).unwrap_or_default())
    }
}

fn follow_plain<'a, N: Node<'a>>(node: N, parts: &[Box<str>]) -> Result<Option<N>, Blocked> {
    let mut at = node;
    for part in parts {
        match at.seen() {
            NodeKind::Object(()) => match at.field(part) {
                Some(next) => at = next,
                None => return Ok(None),
            },
            NodeKind::Array(()) => return Err(Blocked),
            _ => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn is_too_long(text: &str) -> bool {
    text.split('.').nth(MAX_DEPTH).is_some()
}

/// There is an array on the path.
#[derive(Clone, Copy, Debug)]
pub(in crate::query) struct Blocked;

/// Recursion is bounded by the depth of the value.
fn follow<'a>(node: impl Node<'a>, parts: &[Box<str>]) -> Option<Value> {
    let Some((first, rest)) = parts.split_first() else { return Some(node.tree()) };
    match node.seen() {
        NodeKind::Object(()) => follow(node.field(first)?, rest),
        NodeKind::Array(()) => {
            let enters = |seen: NodeKind<'_>| matches!(seen, NodeKind::Object(()) | NodeKind::Array(()));
            let found =
                node.items().filter(|item| enters(item.seen())).filter_map(|item| follow(item, parts));
            Some(Value::Array(found.collect()))
        }
        _ => None,
    }
}

/// The error code of a malformed path after '$'.
pub(in crate::query) fn path_fault(text: &str) -> Code {
    let path = text.trim_start_matches('$');
    if path.is_empty() {
        codes::DOLLAR_ALONE
    } else if path.ends_with('.') {
        codes::DOT_AT_THE_END
    } else if path.split('.').any(str::is_empty) {
        codes::EMPTY_PATH_PART
    } else {
        codes::DOLLAR_IN_PATH
    }
}
