//! Ranges of keys.

use super::key::skip;

/// The keys from `low` to `high`, inclusive. A key that continues after the bytes of `high` is included too, so that a
/// prefix of a compound key, or of a string, covers every key with that prefix. An empty bound is open.
///
/// Bounds are keys or prefixes of keys. The result is unspecified for a key that is a proper prefix of a bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first key.
    pub low: Vec<u8>,
    /// The last key, or its prefix.
    pub high: Vec<u8>,
}

impl Range {
    /// Every key.
    pub fn all() -> Range {
        Range::default()
    }

    /// This key, and every key that it is a prefix of.
    pub fn only(key: &[u8]) -> Range {
        Range { low: key.to_vec(), high: key.to_vec() }
    }

    /// Whether the key is in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        let within = |high: &[u8]| high.is_empty() || key[..key.len().min(high.len())] <= *high;
        *key >= *self.low && within(&self.high)
    }
}

/// The first component of these keys; all bytes where it was cut.
pub(crate) fn component_len(key: &[u8], descending: bool) -> usize {
    skip(key, if descending { 0xff } else { 0 }).unwrap_or(key.len())
}
