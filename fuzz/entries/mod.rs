//! What the fuzzers call, and `tests/corpus.rs` on a stable compiler: arbitrary bytes into each parser. An entry
//! panics when a promise is broken; a parser may return an error or a value.
//!
//! - `checkpoints`: checkpoints with valid checksums and arbitrary content, of an undamaged database
//! - `crafted`: databases with valid checksums and arbitrary content
//! - `disk`: a file system in memory
//! - `log`: frame, segment, manifest, records
//! - `seeds`: inputs to start from
//! - `snapshots`: snapshot
//! - `values`: document, filter

mod checkpoints;
mod crafted;
mod disk;
mod log;
mod seeds;
mod snapshots;
mod values;

pub use checkpoints::crafted_checkpoint;
pub use crafted::{crafted_manifest, crafted_segment, crafted_snapshot};
pub use log::{frame, manifest, records, segment};
pub use seeds::seeds;
pub use snapshots::snapshot;
pub use values::{document, filter};

/// An entry.
pub type Entry = fn(&[u8]);

/// All of them by name.
pub const ALL: [(&str, Entry); 11] = [
    ("frame", frame),
    ("segment", segment),
    ("manifest", manifest),
    ("document", document),
    ("filter", filter),
    ("records", records),
    ("snapshot", snapshot),
    ("crafted_segment", crafted_segment),
    ("crafted_snapshot", crafted_snapshot),
    ("crafted_checkpoint", crafted_checkpoint),
    ("crafted_manifest", crafted_manifest),
];

/// Takes bytes off the front; zeros where there are none.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
