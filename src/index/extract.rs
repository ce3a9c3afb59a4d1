//! The keys of a document in an index.
//!
//! The keys of a field are those of every value that its path leads to: of an array itself and of each of its elements; if
//! there are no values, the key of null. The keys of a compound index are all combinations of its fields' keys. Those may be
//! more keys than a filter needs, never fewer: the filter is applied to the document.
//!
//! In a unique index documents conflict as in MongoDB: an array counts by its elements, not as a whole.

use smallvec::SmallVec;

use super::bounds::component_len;
use super::entry::MAX_KEY;
use super::key::{NULL, encode_key};
use super::spec::{Direction, Field, Spec};
use crate::document::path::Part;
use crate::document::{Collation, Leaf, Node, NodeKind, RawValue, Shapes, Value, encode_plain};
use crate::error::{Details, Error, Kind, Result, codes};

/// The maximum number of keys of one document in one index.
pub(crate) const MAX_KEYS: usize = 100_000;

/// The bytes of a key.
pub(crate) type KeyBytes = SmallVec<[u8; 32]>;

/// The distinct keys of a document in one index, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// The keys, cut at [`MAX_KEY`] bytes when they are used as entries.
    pub list: SmallVec<[KeyBytes; 1]>,
    /// A bit for each field with an array on its path, even an empty one.
    pub multikey: u32,
    /// Whether a key was cut.
    pub truncated: bool,
}

/// The purpose of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Entries of the tree.
    Entries,
    /// Detecting conflicts: whole keys, and only the elements of an array that has some.
    Unique,
}

/// Appends the key of a value as a component of this direction.
pub(crate) fn encode_component(value: RawValue<'_>, direction: Direction, out: &mut Vec<u8>) {
    encode_ordered(value, direction, &Collation::SIMPLE, out);
}

/// Appends the key of a value of a field.
#[inline]
fn encode_of(field: &Field, value: RawValue<'_>, out: &mut Vec<u8>) {
    encode_ordered(value, field.direction, &field.collation, out);
}

#[inline]
fn encode_ordered(value: RawValue<'_>, direction: Direction, collation: &Collation, out: &mut Vec<u8>) {
    let start = out.len();
    if collation.is_simple() {
        encode_key(value, out);
    } else {
        encode_collated(value, collation, out);
    }
    if direction.is_descending() {
        out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
    }
}

/// Appends the key of a value in which sort keys stand for strings.
#[cold]
fn encode_collated(value: RawValue<'_>, collation: &Collation, out: &mut Vec<u8>) {
    match value.seen() {
        NodeKind::String(_) | NodeKind::Array(()) | NodeKind::Object(()) => {
            let mut plain = Vec::new();
            encode_plain(&collation.keyed(value), &mut plain);
            encode_key(RawValue::new(&plain, Shapes::none()), out);
        }
        _ => encode_key(value, out),
    }
}

/// The keys of a document; `scratch` saves an allocation. Does not check whether a partial index holds the document.
pub(crate) fn extract(
    spec: &Spec,
    document: RawValue<'_>,
    purpose: Purpose,
    scratch: &mut Vec<u8>,
) -> Result<Keys> {
    let mut keys = Keys::default();
    match extract_plain(spec, document, scratch) {
        Found::Key => keys.push(scratch, purpose),
        Found::Nothing => {}
        Found::Array => return through_arrays(spec, document, purpose),
    }
    Ok(keys)
}

/// The keys of a document, as far as they can be determined without arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// One key: the bytes written.
    Key,
    /// No key.
    Nothing,
    /// The path meets an array: [`extract`] decides.
    Array,
}

/// [`extract`] for a document without arrays on its paths: `key` becomes the only key, uncut.
pub(crate) fn extract_plain(spec: &Spec, document: RawValue<'_>, key: &mut Vec<u8>) -> Found {
    key.clear();
    let mut found = false;
    for field in &spec.fields {
        match plain(document, field.path.parts()) {
            Plain::Array(_) => return Found::Array,
            Plain::Value(value) => {
                encode_of(field, value, key);
                found = true;
            }
            Plain::Missing => key.push(null(field.direction)),
        }
    }
    if found || !spec.sparse { Found::Key } else { Found::Nothing }
}

impl Keys {
    fn push(&mut self, key: &[u8], purpose: Purpose) {
        let kept = match purpose {
            Purpose::Entries => key.len().min(MAX_KEY),
            Purpose::Unique => key.len(),
        };
        self.truncated |= kept < key.len();
        self.list.push(KeyBytes::from_slice(&key[..kept]));
    }

    /// Whether the document has this key.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.list.binary_search_by(|own| (**own).cmp(key)).is_ok()
    }

    /// Whether one of these keys as an entry implies that a document has exactly this value.
    pub(crate) fn is_exact(&self) -> bool {
        self.multikey == 0 && !self.truncated
    }
}

enum Plain<'a> {
    /// No array on the path, and this value at its end.
    Value(RawValue<'a>),
    Missing,
    /// An array, after so many parts of the path.
    Array(usize),
}

fn plain<'a>(document: RawValue<'a>, parts: &[Part]) -> Plain<'a> {
    let mut at = document;
    for (n, part) in parts.iter().enumerate() {
        match at.get(&part.name) {
            Some(next) => at = next,
            None if matches!(at.seen(), NodeKind::Array(())) => return Plain::Array(n),
            None => return Plain::Missing,
        }
    }
    if matches!(at.seen(), NodeKind::Array(())) { Plain::Array(parts.len()) } else { Plain::Value(at) }
}

fn null(direction: Direction) -> u8 {
    NULL ^ direction.mask()
}

/// [`extract`] for paths that meet an array.
fn through_arrays(spec: &Spec, document: RawValue<'_>, purpose: Purpose) -> Result<Keys> {
    let mut keys = Keys::default();
    let mut first_array: Option<(&Field, usize)> = None;
    let mut found = false;
    let mut product: Vec<Vec<u8>> = vec![Vec::new()];
    for (n, field) in spec.fields.iter().enumerate() {
        if let Plain::Array(depth) = plain(document, field.path.parts()) {
            keys.multikey |= 1 << n;
            match first_array {
                // Values of elements of the same array may be combined: a filter can require both.
                Some((first, level)) if spec.unique || !same_array((first, level), (field, depth)) => {
                    return Err(parallel(&first.name, &field.name));
                }
                Some(_) => {}
                None => first_array = Some((field, depth)),
            }
        }
        let components = components(field, document, purpose, &mut found);
        if product.len().saturating_mul(components.len()) > MAX_KEYS {
            return Err(too_many(spec, &field.name));
        }
        product = product
            .iter()
            .flat_map(|key| components.iter().map(move |component| [&key[..], component].concat()))
            .collect();
    }
    if found || !spec.sparse {
        product.iter().for_each(|key| keys.push(key, purpose));
        keys.list.sort_unstable();
        keys.list.dedup();
    }
    Ok(keys)
}

/// The distinct keys of one field, in order; `found` becomes true when there is a value.
fn components(field: &Field, document: RawValue<'_>, purpose: Purpose, found: &mut bool) -> Vec<Vec<u8>> {
    let mut components: Vec<Vec<u8>> = Vec::new();
    let mut push = |value: RawValue<'_>| {
        let mut bytes = Vec::new();
        encode_of(field, value, &mut bytes);
        components.push(bytes);
    };
    let mut missing = false;
    field.path.walk(document, Leaf::Whole, &mut |value| {
        match value {
            None => missing = true,
            Some(value) => {
                *found = true;
                if purpose == Purpose::Entries || value.items().next().is_none() {
                    push(value);
                }
                value.items().for_each(&mut push);
            }
        }
        false
    });
    if missing || components.is_empty() {
        components.push(vec![null(field.direction)]);
    }
    components.sort_unstable();
    components.dedup();
    components
}

fn same_array((a, level): (&Field, usize), (b, depth): (&Field, usize)) -> bool {
    level == depth && a.path.parts().get(..level) == b.path.parts().get(..depth)
}

/// `{ path: value }` of the values behind a key of the document, as `DUPLICATE_KEY` reports them.
pub(crate) fn values_of(spec: &Spec, document: RawValue<'_>, key: &[u8]) -> Value {
    let mut rest = key;
    let entry = |field: &Field| {
        let (component, behind) = rest.split_at(component_len(rest, field.direction.is_descending()));
        rest = behind;
        let mut bytes = Vec::new();
        let mut is_it = |value: RawValue<'_>| {
            bytes.clear();
            encode_of(field, value, &mut bytes);
            bytes == component
        };
        let mut value = Value::Null;
        field.path.walk(document, Leaf::Whole, &mut |found| {
            let Some(found) = found else { return false };
            let matched = if is_it(found) { Some(found) } else { found.items().find(|item| is_it(*item)) };
            matched.inspect(|matched| value = matched.to_value()).is_some()
        });
        (field.name.to_string(), value)
    };
    Value::Object(spec.fields.iter().map(entry).collect())
}

fn parallel(a: &str, b: &str) -> Error {
    let message = format!(
        "cannot index parallel arrays: the document has arrays at both '{a}' and '{b}', which one index holds; \
         drop the index, or keep one of them an array"
    );
    bad_document(a, message).with_code(codes::CANNOT_INDEX_PARALLEL_ARRAYS)
}

fn too_many(spec: &Spec, path: &str) -> Error {
    let message = format!(
        "the document would have more than {MAX_KEYS} keys in the index '{}'; shorten its array at '{path}', or \
         drop the index",
        spec.name
    );
    Error::new(Kind::Limit, message)
        .with_details(Details { path: Some(path.to_owned()), ..Details::default() })
        .with_code(codes::CANNOT_BUILD_INDEX_KEYS)
}

fn bad_document(path: &str, message: String) -> Error {
    let details = Details { path: Some(path.to_owned()), ..Details::default() };
    Error::new(Kind::BadDocument, message).with_details(details)
}
