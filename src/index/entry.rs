//! The entries of a tree: a key and a slot, packed.

use smallvec::SmallVec;

use super::leaf::Low;

/// Bytes of a key that an entry holds; longer keys are cut.
pub(crate) const MAX_KEY: usize = 1_024;
/// Bytes of a slot number in an entry.
const SLOT: usize = 6;

pub(super) type Entry = SmallVec<[u8; 64]>;

/// A key as it is stored in entries.
pub(crate) fn cut(key: &[u8]) -> &[u8] {
    &key[..key.len().min(MAX_KEY)]
}

pub(crate) fn entry_of(key: &[u8], slot: u64) -> Entry {
    debug_assert!(slot >> (8 * SLOT) == 0, "slots are numbered from 0, one for each insert");
    let mut entry = Entry::from_slice(cut(key));
    entry.extend_from_slice(&slot.to_be_bytes()[8 - SLOT..]);
    entry
}

pub(crate) fn split_entry(entry: &[u8]) -> (&[u8], u64) {
    let (key, number) = entry.split_at(entry.len() - SLOT);
    (key, number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// Whether an entry, or what its leaf begins with, is in a range with this end, which is that of everything if it is empty.
pub(super) fn is_below(entry: &[u8], high: &[u8]) -> bool {
    high.is_empty() || entry[..entry.len().min(high.len())] <= *high
}

/// The shortest prefix of `next` that is greater than `last`; `next` itself is greater.
pub(super) fn separator(last: &[u8], next: &[u8]) -> Low {
    let same = last.iter().zip(next).take_while(|(a, b)| a == b).count();
    Low::from_slice(&next[..next.len().min(same + 1)])
}
