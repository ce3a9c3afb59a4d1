//! Where a search in a tree of keys ends: between the entries before a target and the others.

use std::cmp::Ordering;

use super::{LARGEST_SLOT, SLOT};

/// A place between two entries of a tree.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Before all entries.
    First,
    /// Before the first entry whose bytes are not below these.
    Before(&'a [u8]),
    /// Behind the last entry that is below these bytes or begins with them.
    Behind(&'a [u8]),
    /// Behind all entries.
    End,
}

impl Target<'_> {
    /// Whether an entry of these bytes, key and slot, is before the target.
    pub fn is_behind(&self, parts: [&[u8]; 3]) -> bool {
        match self {
            Target::First => false,
            Target::End => true,
            Target::Before(bytes) => order(parts, bytes) == Ordering::Less,
            Target::Behind(bytes) => order(parts, bytes) != Ordering::Greater || begins(parts, bytes),
        }
    }
}

/// The order of the concatenated parts and some bytes.
fn order(parts: [&[u8]; 3], bytes: &[u8]) -> Ordering {
    let mut rest = bytes;
    for part in parts {
        let shared = part.len().min(rest.len());
        match part[..shared].cmp(&rest[..shared]) {
            Ordering::Equal if part.len() > shared => return Ordering::Greater,
            Ordering::Equal => rest = &rest[shared..],
            other => return other,
        }
    }
    if rest.is_empty() { Ordering::Equal } else { Ordering::Less }
}

/// Whether the concatenated parts begin with these bytes.
fn begins(parts: [&[u8]; 3], bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for part in parts {
        let shared = part.len().min(rest.len());
        if part[..shared] != rest[..shared] {
            return false;
        }
        rest = &rest[shared..];
    }
    rest.is_empty()
}

/// The bytes of an entry: its key and its slot.
pub fn entry_bytes(key: &[u8], slot: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + SLOT);
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&slot_bytes(slot));
    bytes
}

/// A slot as it stands in an entry.
#[inline]
pub fn slot_bytes(slot: u64) -> [u8; SLOT] {
    debug_assert!(slot <= LARGEST_SLOT, "slots are numbered from 0, one for each insert");
    let [_, _, bytes @ ..] = slot.to_be_bytes();
    bytes
}

/// The slot of these bytes.
#[inline]
pub fn slot_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |slot, byte| slot << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_divides_entries_as_their_bytes_compare() {
        let words: [&[u8]; 7] = [b"", b"a", b"ab", b"abc", b"abd", b"b", b"\xff\xff"];
        for parts in words.iter().flat_map(|one| words.map(|two| [*one, two, b"\x00\x01".as_slice()])) {
            let whole = parts.concat();
            for bytes in words {
                assert_eq!(Target::Before(bytes).is_behind(parts), whole.as_slice() < bytes);
                let cut = &whole[..whole.len().min(bytes.len())];
                assert_eq!(Target::Behind(bytes).is_behind(parts), cut <= bytes, "{whole:?} {bytes:?}");
            }
            assert!(!Target::First.is_behind(parts) && Target::End.is_behind(parts));
        }
    }

    #[test]
    fn slots_compare_as_their_bytes() {
        let slots = [0, 1, 255, 256, 1 << 40, LARGEST_SLOT];
        for pair in slots.windows(2) {
            assert!(slot_bytes(pair[0]) < slot_bytes(pair[1]));
        }
        slots.iter().for_each(|slot| assert_eq!(slot_of(&slot_bytes(*slot)), *slot));
        assert_eq!(entry_bytes(b"k", 258), b"k\0\0\0\0\x01\x02");
    }
}
