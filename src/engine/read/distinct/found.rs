//! The values found so far, each once.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::document::{Collation, Columns, Leaf, MAX_DOCUMENT, Path, RawValue, Shapes, Value, encode_plain};
use crate::engine::format::key::{Key, key_of};
use crate::error::{Error, Kind, Result, codes};

/// The largest result of `distinct`, in encoded bytes.
const MAX_DISTINCT: usize = MAX_DOCUMENT;

/// Values that are distinct in the order of values: 1 and 1n are equal, and strings that are equal under the collation.
#[derive(Default)]
pub(crate) struct Distinct {
    columns: Columns,
    known: HashSet<Key, foldhash::fast::RandomState>,
    /// With the lengths of their bytes.
    values: Vec<(Key, usize, Value)>,
    bytes: usize,
    /// How they compare.
    collation: Collation,
}

impl Distinct {
    /// Values that are distinct under a collation.
    pub(crate) fn under(collation: &Collation) -> Distinct {
        Distinct { collation: collation.clone(), ..Distinct::default() }
    }

    /// Whether there is room for more.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.bytes > MAX_DISTINCT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// The values of the path, in the order in which they were found.
    pub(crate) fn into_values(self, path: &Path) -> Result<Vec<Value>> {
        if self.bytes > MAX_DISTINCT {
            let message = format!(
                "the different values of '{path}' take more than {MAX_DISTINCT} bytes; narrow the filter, or use find"
            );
            return Err(Error::new(Kind::Limit, message).with_code(codes::DISTINCT_TOO_LARGE));
        }
        Ok(self.values.into_iter().map(|(_, _, value)| value).collect())
    }

    /// Adds the values of the path.
    pub(crate) fn add_all(&mut self, path: &Path, document: RawValue<'_>) {
        let column = path.parts().first().and_then(|part| self.columns.column(&part.name));
        let first = match (self.columns.of(document), column) {
            (Some(mut fields), Some(column)) => match fields.get(column) {
                Some(first) => Some(first),
                None => return,
            },
            _ => None,
        };
        let mut visit = |value: Option<RawValue<'_>>| {
            match value.map(|value| (value, value.as_array())) {
                Some((_, Some(items))) => items.iter().for_each(|item| self.add(item)),
                Some((value, None)) => self.add(value),
                None => {}
            }
            false
        };
        match first {
            Some(first) => path.walk_below(first, Leaf::Whole, &mut visit),
            None => path.walk(document, Leaf::Whole, &mut visit),
        };
    }

    fn add(&mut self, value: RawValue<'_>) {
        let key = self.key(value);
        if !self.known.contains(&key) {
            let len = value.bytes().len();
            self.bytes += len;
            self.values.push((key.clone(), len, value.to_value()));
            self.known.insert(key);
        }
    }

    fn key(&self, value: RawValue<'_>) -> Key {
        if self.collation.is_simple() {
            return key_of(value);
        }
        let mut plain = Vec::new();
        encode_plain(&self.collation.keyed(value), &mut plain);
        key_of(RawValue::new(&plain, Shapes::none()))
    }

    /// Adds the values of later documents.
    pub(super) fn absorb(&mut self, other: Distinct) {
        for (key, len, value) in other.values {
            if self.known.insert(key.clone()) {
                self.bytes += len;
                self.values.push((key, len, value));
            }
        }
    }
}
