//! Which pages of a run file were checked: that their entries are in order, and end where they end.
//!
//! A page that is read again, after the cache dropped it, has the same bytes, because its checksum is the same. So only the
//! checksum is computed again: the other checks, which walk the entries, take several times as long.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::storage::pages::pointer::Pointer;

/// Bytes of the file that share a bit. Nearly all leaves are longer, so that no two of these begin in the same stretch.
const STRETCH: u64 = 2 << 10;
const WORD: u64 = u64::BITS as u64;

/// A bit for each stretch of a run file, in which at most one page of its length begins.
pub(super) struct CheckedPages {
    words: Box<[AtomicU64]>,
}

impl CheckedPages {
    /// None yet, in a file whose pages end here.
    pub(super) fn new(end: u64) -> CheckedPages {
        let words = (end.div_ceil(STRETCH * WORD)).min(usize::MAX as u64);
        CheckedPages { words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Whether this page was checked.
    pub(super) fn has(&self, pointer: &Pointer) -> bool {
        self.bit(pointer).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Notes that this page was checked.
    pub(super) fn note(&self, pointer: &Pointer) {
        if let Some((word, bit)) = self.bit(pointer) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn bit(&self, pointer: &Pointer) -> Option<(&AtomicU64, u64)> {
        if u64::from(pointer.length) < STRETCH {
            return None;
        }
        let at = pointer.offset / STRETCH;
        let word = self.words.get(usize::try_from(at / WORD).ok()?)?;
        Some((word, 1 << (at % WORD)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_known_apart_and_short_ones_never() {
        let page = |offset, length| Pointer { offset, length, ..Pointer::default() };
        let checked = CheckedPages::new(1 << 20);
        let pages: Vec<Pointer> = (0..255).map(|n| page(96 + n * 4_000, 4_000)).collect();
        for (at, own) in pages.iter().enumerate().step_by(3) {
            checked.note(own);
            assert!(checked.has(own) && !checked.has(&pages[at + 1]));
        }
        for other in [page(96, STRETCH as u32 - 1), page(1 << 30, 4_000), page(u64::MAX, 4_000)] {
            checked.note(&other);
            assert!(!checked.has(&other));
        }
        assert_eq!(CheckedPages::new(0).words.len(), 0);
    }
}
