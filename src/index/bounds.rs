//! Ranges of keys.

use super::key::skip;

/// The keys from `low` to `high`, both included. A key that goes on behind the bytes of `high` is included too, so
/// that the beginning of a compound key, or of a string, stands for all that begin with it. Empty bounds are open.
///
/// Bounds are keys or beginnings of keys: where a key ended before its bound does, nothing is promised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first key.
    pub low: Vec<u8>,
    /// The last key, or its beginning.
    pub high: Vec<u8>,
}

impl Range {
    /// Every key.
    pub fn all() -> Range {
        Range::default()
    }

    /// This key, and those that begin with it.
    pub fn only(key: &[u8]) -> Range {
        Range { low: key.to_vec(), high: key.to_vec() }
    }

    /// Whether the key lies within.
    pub fn contains(&self, key: &[u8]) -> bool {
        let within = |high: &[u8]| high.is_empty() || key[..key.len().min(high.len())] <= *high;
        *key >= *self.low && within(&self.high)
    }
}

/// Bytes of the first component of these keys; all of them where it was cut.
pub fn component_len(key: &[u8], descending: bool) -> usize {
    skip(key, if descending { 0xff } else { 0 }).unwrap_or(key.len())
}
