//! Dotted paths, and where they lead through objects and arrays.
//!
//! MongoDB's rule of traversal: a path steps through objects by key. At an array with path left over, it goes
//! on in every element that is an object, and, when its next part is a number, also in the element at that
//! place. Elements that are arrays are entered by number only. A path that ends at an array leads to each
//! element and to the array itself, unless it ended there by a number.

use super::node::{Node, Seen};

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key.
    pub name: Box<str>,
    /// The place in an array that the key names: digits without leading zeros.
    pub index: Option<usize>,
}

/// A dotted path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    parts: Box<[Part]>,
}

/// What becomes of an array at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Its elements are visited, then itself.
    Elements,
    /// It alone is visited.
    Whole,
}

impl Path {
    /// The path that this text names. Every text is one; parts may be empty (see `has_empty_part`).
    pub fn parse(text: &str) -> Path {
        let part = |name: &str| Part { name: name.into(), index: array_index(name) };
        Path { parts: text.split('.').map(part).collect() }
    }

    /// The path that leads nowhere else: to the value itself.
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

    /// Whether it starts with all parts of the other (or is the same).
    pub fn starts_with(&self, other: &Path) -> bool {
        self.parts.starts_with(&other.parts)
    }

    /// Visits what the path leads to: values, and `None` where it leads to nothing. A visit that answers true
    /// ends the walk, which then answers true. An array without fitting elements is not visited at all.
    #[inline]
    pub fn walk<'a, N: Node<'a>>(
        &self,
        root: N,
        leaf: Leaf,
        visit: &mut impl FnMut(Option<N>) -> bool,
    ) -> bool {
        walk_object(&self.parts, root, leaf, None, &mut |value, _| visit(value))
    }

    /// The rest of [`Path::walk`] over an object, whose field of the first part is this.
    #[inline]
    pub fn walk_below<'a, N: Node<'a>>(
        &self,
        first: N,
        leaf: Leaf,
        visit: &mut impl FnMut(Option<N>) -> bool,
    ) -> bool {
        walk_on(&self.parts, 1, first, leaf, None, &mut |value, _| visit(value))
    }

    /// [`Path::walk`] that also tells in which element of the outermost array a value was found, where the path
    /// itself does not name the element.
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
    /// The part that names the element at this place.
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

/// The place in an array that a key names.
fn array_index(name: &str) -> Option<usize> {
    let canonical = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_digit())
        && (name == "0" || !name.starts_with('0'));
    if canonical { name.parse().ok() } else { None }
}

/// Recursion is bounded by the depth of the document: each level of it stands in an array of the one above.
fn walk_object<'a, N: Node<'a>>(
    parts: &[Part],
    root: N,
    leaf: Leaf,
    outer: Option<usize>,
    visit: &mut impl FnMut(Option<N>, Option<usize>) -> bool,
) -> bool {
    walk_on(parts, 0, root, leaf, outer, visit)
}

/// `walk_object` that has followed so many parts already.
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
            None if n > 0 && matches!(at.seen(), Seen::Array) => {
                return walk_array(parts.get(n..).unwrap_or_default(), at, leaf, outer, visit);
            }
            // A root that is an array has its places for keys, as in MongoDB.
            None => match part.index.and_then(|index| at.items().nth(index)) {
                Some(next) => at = next,
                None => return visit(None, outer),
            },
        }
    }
    if leaf == Leaf::Elements
        && matches!(at.seen(), Seen::Array)
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
        if matches!(seen, Seen::Object) && walk_object(parts, item, leaf, outer.or(Some(n)), visit) {
            return true;
        }
        if first.index == Some(n) {
            let found = match seen {
                _ if rest.is_empty() => visit(Some(item), outer),
                Seen::Object => walk_object(rest, item, leaf, outer, visit),
                Seen::Array => walk_array(rest, item, leaf, outer, visit),
                _ => false,
            };
            if found {
                return true;
            }
        }
    }
    false
}
