//! The commit queue and its completions, and the slots of documents on disk, under every interleaving that loom finds.
//!
//! ```text
//! cargo run --release --manifest-path tests/loom/Cargo.toml
//! ```
//!
//! The code is the package's own, `src/storage/log/queue.rs` and `src/storage/contract/completion.rs`, `src/engine/state/slab` and `holds.rs`, with
//! loom's locks in place of parking_lot's. Three threads with at most three preemptions each run by default; `LOOM_MAX_PREEMPTIONS` is more.

/// The documents in the records.
mod document {
    pub mod shape {
        pub const MAX_SHAPE_KEYS: usize = u16::MAX as usize;
    }
}
mod engine;
#[allow(dead_code, reason = "the file comes whole")]
#[path = "../../../src/error.rs"]
mod error;
mod storage;
/// Temporary files of operations: no part of the models.
mod work {
    pub trait Disk: Send + Sync {}
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() {
    for (name, scenario) in storage::ALL.into_iter().chain(engine::ALL) {
        let orders = Arc::new(AtomicUsize::new(0));
        let counter = orders.clone();
        let mut model = loom::model::Builder::new();
        model.preemption_bound = model.preemption_bound.or(Some(3));
        model.check(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            scenario();
        });
        println!("{name}: {} orders", orders.load(Ordering::Relaxed));
    }
}
