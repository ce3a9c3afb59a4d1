//! Prefetching: loading the cache lines of documents that are far apart in memory, before a caller goes from one to the next
//! and would wait for each of them. Stable Rust has no prefetch instruction without `unsafe`, so each line is loaded; the
//! loads do not depend on each other, so the processor runs them at the same time.
//!
//! Measured with 300,000 documents of 350 bytes: 300 of them by an index take 0.40 ms instead of 0.50, counting them by another
//! field 0.16 instead of 0.24, and `getMany` of 1,000 takes 6 % less.

use std::hint::black_box;

const LINE: usize = 64;

/// Loads memory; the sum of what was loaded keeps the compiler from leaving that out.
#[derive(Default)]
pub(crate) struct Prefetch(u64);

impl Prefetch {
    /// A word that the caller has just loaded.
    #[inline]
    pub(crate) fn word(&mut self, word: u64) {
        self.0 ^= word;
    }

    /// Loads each cache line of these bytes.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().step_by(LINE).fold(self.0, |sum, byte| sum ^ u64::from(*byte));
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        black_box(self.0);
    }
}
