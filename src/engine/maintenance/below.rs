//! Puts a checkpoint below what is in memory, once every reader of the moment is done.
//!
//! Whatever a reader finds in memory is newer than the checkpoint or the same, so each part changes over by itself. A view
//! before its state could miss what was deleted up to it, so none may be open.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::checkpoint::{Captured, Written};
use crate::engine::state::base::{Base, CollectionBase};
use crate::engine::store::{RebaseOrder, Store};

/// A checkpoint that comes below what is in memory.
pub(super) struct Below {
    pub(super) base: Arc<Base>,
    /// How often documents had been moved when it was written, or moved them (`RebaseOrder`).
    pub(super) moves: u64,
    /// What it has besides the slots that are below already.
    pub(super) whole: Option<(Captured, Written)>,
    order: Arc<RebaseOrder>,
}

impl Drop for Below {
    fn drop(&mut self) {
        self.order.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Below {
    /// A checkpoint of the state before that is waited for.
    pub(super) fn new(
        store: &Store,
        base: Arc<Base>,
        moves: u64,
        whole: Option<(Captured, Written)>,
    ) -> Below {
        let order = store.auto().order.clone();
        order.waiting.fetch_add(1, Ordering::AcqRel);
        Below { base, moves, whole, order }
    }

    /// Puts it there once every reader of this moment is done. Its state must be published.
    pub(super) fn put_when_released(self, store: &Store) {
        let waits_for = store.views().when_released(move || self.put());
        store.auto().order.waits_for.store(waits_for, Ordering::Release);
    }

    /// Puts it there, unless documents were moved since it was written. No view before its state is open, nor will be.
    fn put(self) {
        let Below { base, moves, whole, order } = &self;
        let limited = !base.keeps();
        {
            let now = order.moves.lock();
            if *now != *moves {
                return;
            }
            let mut tree = 1;
            let collections = whole.iter().flat_map(|(captured, written)| {
                captured.collections.iter().zip(&written.contents.collections)
            });
            for (one, contents) in collections {
                let (below, entries) = CollectionBase::of(base, contents, tree);
                one.collection.rebase(Arc::new(below));
                for ((index, frozen), entries) in one.indexes.iter().zip(entries) {
                    index.rebase(frozen.as_ref(), entries);
                }
                tree += contents.trees();
            }
            base.set_takes_back(true);
        }
        if !limited {
            return;
        }
        if let Some((captured, written)) = whole {
            for (one, keys) in captured.collections.iter().zip(&written.entered) {
                one.collection.leave_all(keys);
            }
        }
        order.has_rebased.store(true, Ordering::Release);
    }
}
