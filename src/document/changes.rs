//! The paths that an update has changed in a document, in the compact form in which the log keeps them beside the document.
//!
//! ```text
//! changes   change ...
//! change    kind + 3 * count of the parts, part ..., of a truncation the new length
//! kind      0 the value is set, 1 removed, 2 the array is truncated
//! part      0 length name, or 1 + the place of the field or element in the new document
//! ```
//!
//! Numbers are LEB128. Values are not repeated: they are those of the new document.

use smallvec::SmallVec;

use super::node::Node;
use crate::document::NodeKind;

/// One part of a changed path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// The field or element at this place of the new document.
    Place(usize),
    /// A field that the new document does not have.
    Name(&'a str),
}

/// The parts of a changed path.
pub(crate) type Steps<'a> = SmallVec<[Step<'a>; 4]>;

/// What has become of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It has another value, or one for the first time.
    Set,
    /// It has none any more.
    Unset,
    /// It is an array that has only this many of its elements left.
    Truncated(usize),
}

/// Appends a changed path.
pub(crate) fn write(out: &mut Vec<u8>, effect: Effect, steps: &[Step<'_>]) {
    let kind = match effect {
        Effect::Set => 0,
        Effect::Unset => 1,
        Effect::Truncated(_) => 2,
    };
    number(out, kind + 3 * steps.len());
    for step in steps {
        match step {
            Step::Place(place) => number(out, 1 + place),
            Step::Name(name) => {
                number(out, 0);
                number(out, name.len());
                out.extend_from_slice(name.as_bytes());
            }
        }
    }
    if let Effect::Truncated(len) = effect {
        number(out, len);
    }
}

fn number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The changed paths in the order in which they were written; `None` where the bytes are none.
pub(crate) struct Changes<'a> {
    rest: &'a [u8],
}

impl<'a> Changes<'a> {
    /// Those of these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Changes<'a> {
        Changes { rest: bytes }
    }

    fn number(&mut self) -> Option<usize> {
        let mut value = 0usize;
        for shift in (0..63).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= usize::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn read(&mut self) -> Option<(Effect, Steps<'a>)> {
        let head = self.number()?;
        let mut steps = Steps::new();
        for _ in 0..head / 3 {
            steps.push(match self.number()? {
                0 => {
                    let len = self.number()?;
                    let (name, rest) = self.rest.split_at_checked(len)?;
                    self.rest = rest;
                    Step::Name(std::str::from_utf8(name).ok()?)
                }
                place => Step::Place(place - 1),
            });
        }
        let effect = match head % 3 {
            0 => Effect::Set,
            1 => Effect::Unset,
            _ => Effect::Truncated(self.number()?),
        };
        Some((effect, steps))
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Option<(Effect, Steps<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_none() {
            self.rest = &[];
        }
        Some(read)
    }
}

/// The names of a changed path, and its value in the new document; `None` where the document has no such path.
pub(crate) fn resolve<'a, N: Node<'a>>(
    document: N,
    steps: &[Step<'a>],
) -> Option<(Vec<Named<'a>>, Option<N>)> {
    let mut at = Some(document);
    let mut names = Vec::with_capacity(steps.len());
    for step in steps {
        match step {
            Step::Place(place) => match at?.seen() {
                NodeKind::Array(()) => {
                    at = Some(at?.items().nth(*place)?);
                    names.push(Named::Element(*place));
                }
                _ => {
                    let (name, value) = at?.fields().nth(*place)?;
                    at = Some(value);
                    names.push(Named::Field(name));
                }
            },
            Step::Name(name) => {
                at = None;
                names.push(Named::Field(name));
            }
        }
    }
    Some((names, at))
}

/// Appends the paths of two updates that follow each other, as those of one: `middle` is the document between them. `None`
/// where the bytes are no paths of these documents.
pub(crate) fn join<'a, N: Node<'a>>(
    (earlier, middle): (&'a [u8], N),
    (later, after): (&'a [u8], N),
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut paths = Vec::new();
    for (bytes, document) in [(earlier, middle), (later, after)] {
        for change in Changes::new(bytes) {
            paths.push(resolve(document, &change?.1)?.0);
        }
    }
    paths.sort_unstable();
    let mut kept: Vec<&[Named<'_>]> = Vec::new();
    for path in &paths {
        // A path that begins another stands right before it.
        if kept.last().is_none_or(|before| !path.starts_with(before)) {
            kept.push(path);
        }
    }
    for path in kept {
        let (mut steps, mut at) = (Steps::new(), after);
        let mut effect = Effect::Set;
        for part in path {
            let next = match (*part, at.seen()) {
                (Named::Element(place), NodeKind::Array(())) => {
                    at.items().nth(place).map(|item| (place, item))
                }
                (Named::Field(name), NodeKind::Object(())) => {
                    at.fields().enumerate().find_map(|(n, (own, value))| (own == name).then_some((n, value)))
                }
                _ => None,
            };
            match (next, part) {
                (Some((place, value)), _) => {
                    steps.push(Step::Place(place));
                    at = value;
                }
                (None, Named::Field(name)) => {
                    steps.push(Step::Name(name));
                    effect = Effect::Unset;
                    break;
                }
                // The array has become another value: it is told as a whole.
                (None, Named::Element(_)) => break,
            }
        }
        write(out, effect, &steps);
    }
    Some(())
}

/// A part of a resolved path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named<'a> {
    /// A field with this name.
    Field(&'a str),
    /// The element at this place.
    Element(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Value;

    #[test]
    fn paths_are_read_as_written_and_resolved_in_the_document() {
        let mut bytes = Vec::new();
        write(&mut bytes, Effect::Set, &[Step::Place(1), Step::Place(200)]);
        write(&mut bytes, Effect::Unset, &[Step::Place(0), Step::Name("gone")]);
        write(&mut bytes, Effect::Truncated(300), &[Step::Place(1)]);
        let read: Vec<_> = Changes::new(&bytes).map(Option::unwrap).collect();
        assert_eq!(read.len(), 3);
        assert_eq!(read[0].0, Effect::Set);
        assert_eq!(read[2].0, Effect::Truncated(300));
        let items = (0..300).map(Value::Int).collect();
        let document = Value::Object(vec![
            ("a".to_owned(), Value::Object(Vec::new())),
            ("list".to_owned(), Value::Array(items)),
        ]);
        let (names, value) = resolve(&document, &read[0].1).unwrap();
        assert_eq!(names, [Named::Field("list"), Named::Element(200)]);
        assert_eq!(value, Some(&Value::Int(200)));
        let (names, value) = resolve(&document, &read[1].1).unwrap();
        assert_eq!(names, [Named::Field("a"), Named::Field("gone")]);
        assert_eq!(value, None);
        assert!(resolve(&document, &[Step::Place(7)]).is_none());
    }

    #[test]
    fn any_cut_is_read_without_panic() {
        let mut bytes = Vec::new();
        write(&mut bytes, Effect::Unset, &[Step::Place(1_000), Step::Name("name")]);
        write(&mut bytes, Effect::Truncated(3), &[]);
        for cut in 0..bytes.len() {
            Changes::new(&bytes[..cut]).for_each(drop);
        }
        assert_eq!(Changes::new(&[0xff; 30]).collect::<Vec<_>>(), [None]);
    }
}
