//! Dotted paths, and the values that they reach through objects and arrays.
//!
//! MongoDB's rule of traversal: a path descends objects by key. At an array with parts left, it continues in every
//! element that is an object and, if the next part is a number, in the element at that index. Elements that are
//! arrays are entered by index only. A path that ends at an array reaches each element and the array itself, unless
//! its last part is an index.

use super::kind::NodeKind;
use super::node::Node;

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// The key.
    pub name: Box<str>,
    /// The array index that the key names: digits without leading zeros.
    pub index: Option<usize>,
}

/// A dotted path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    parts: Box<[Part]>,
}

/// How an array at the end of a path is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Its elements are visited, then itself.
    Elements,
    /// Only the array is visited.
    Whole,
}

impl Path {
    /// Whether it is `_id`.
    pub fn is_id(&self) -> bool {
        matches!(self.parts(), [part] if &*part.name == "_id")
    }

    /// The path that this text names. Every text is one; parts may be empty (see `has_empty_part`).
    pub fn parse(text: &str) -> Path {
        let part = |name: &str| Part { name: name.into(), index: array_index(name) };
        Path { parts: text.split('.').map(part).collect() }
    }

    /// The empty path: the value itself.
    pub fn here() -> Path {
        Path { parts: Box::default() }
    }

    /// The names of its parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| &*part.name)
    }

    /// The path of these parts.
    pub fn of_parts(parts: Vec<Part>) -> Path {
        Path { parts: parts.into() }
    }

    /// Its parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether some part is the empty text, as in `a..b`.
    pub fn has_empty_part(&self) -> bool {
        self.parts.iter().any(|part| part.name.is_empty())
    }

    /// Whether the other path is a prefix of it, or equal.
    pub fn starts_with(&self, other: &Path) -> bool {
        self.parts.starts_with(&other.parts)
    }

    /// Visits what the path reaches: values, and `None` where a field is missing. A visit that returns true ends the
    /// walk, which then returns true. An array without matching elements is not visited.
    #[inline]
    pub fn walk<'a, N: Node<'a>>(
        &self,
        root: N,
        leaf: Leaf,
        visit: &mut impl FnMut(Option<N>) -> bool,
    ) -> bool {
        walk_object(&self.parts, root, leaf, None, &mut |value, _| visit(value))
    }

    /// [`Path::walk`] over an object whose field of the first part is `first`.
    #[inline]
    pub fn walk_below<'a, N: Node<'a>>(
        &self,
        first: N,
        leaf: Leaf,
        visit: &mut impl FnMut(Option<N>) -> bool,
    ) -> bool {
        walk_on(&self.parts, 1, first, leaf, None, &mut |value, _| visit(value))
    }

    /// [`Path::walk`] with the index of the element of the outermost array in which a value was found, unless the
    /// path names that index.
    pub fn walk_indexed<'a, N: Node<'a>>(
        &self,
        root: N,
        leaf: Leaf,
        visit: &mut impl FnMut(Option<N>, Option<usize>) -> bool,
    ) -> bool {
        walk_object(&self.parts, root, leaf, None, visit)
    }
}

impl Part {
    /// The part that names the element at this index.
    pub fn element(index: usize) -> Part {
        Part { name: index.to_string().into(), index: Some(index) }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, part) in self.parts.iter().enumerate() {
            if n > 0 {
                f.write_str(".")?;
            }
            f.write_str(&part.name)?;
        }
        Ok(())
    }
}

/// The array index that a key names.
fn array_index(name: &str) -> Option<usize> {
    let canonical = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_digit())
        && (name == "0" || !name.starts_with('0'));
    if canonical { name.parse().ok() } else { None }
}

/// Recursion is bounded by the depth of the document: each level descends into an array.
fn walk_object<'a, N: Node<'a>>(
    parts: &[Part],
    root: N,
    leaf: Leaf,
    outer: Option<usize>,
    visit: &mut impl FnMut(Option<N>, Option<usize>) -> bool,
) -> bool {
    walk_on(parts, 0, root, leaf, outer, visit)
}

/// `walk_object` from the part number `followed` on.
fn walk_on<'a, N: Node<'a>>(
    parts: &[Part],
    followed: usize,
    from: N,
    leaf: Leaf,
    outer: Option<usize>,
    visit: &mut impl FnMut(Option<N>, Option<usize>) -> bool,
) -> bool {
    let mut at = from;
    for (n, part) in parts.iter().enumerate().skip(followed) {
        match at.field(&part.name) {
            Some(next) => at = next,
            None if n > 0 && matches!(at.seen(), NodeKind::Array(())) => {
                return walk_array(parts.get(n..).unwrap_or_default(), at, leaf, outer, visit);
            }
            // A root that is an array has its indexes as keys, as in MongoDB.
            None => match part.index.and_then(|index| at.items().nth(index)) {
                Some(next) => at = next,
                None => return visit(None, outer),
            },
        }
    }
    if leaf == Leaf::Elements
        && matches!(at.seen(), NodeKind::Array(()))
        && at.items().enumerate().any(|(n, item)| visit(Some(item), outer.or(Some(n))))
    {
        return true;
    }
    visit(Some(at), outer)
}

fn walk_array<'a, N: Node<'a>>(
    parts: &[Part],
    array: N,
    leaf: Leaf,
    outer: Option<usize>,
    visit: &mut impl FnMut(Option<N>, Option<usize>) -> bool,
) -> bool {
    let Some((first, rest)) = parts.split_first() else { return false };
    for (n, item) in array.items().enumerate() {
        let seen = item.seen();
        if matches!(seen, NodeKind::Object(())) && walk_object(parts, item, leaf, outer.or(Some(n)), visit) {
            return true;
        }
        if first.index == Some(n) {
            let found = match seen {
                _ if rest.is_empty() => visit(Some(item), outer),
                NodeKind::Object(()) => walk_object(rest, item, leaf, outer, visit),
                NodeKind::Array(()) => walk_array(rest, item, leaf, outer, visit),
                _ => false,
            };
            if found {
                return true;
            }
        }
    }
    false
}
