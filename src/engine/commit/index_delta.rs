//! What the steps of a commit change in an index, and which keys of unique indexes they use.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::state::index::Index;
use crate::engine::state::slab::SlotId;
use crate::index::{Entries, KeyBytes};

/// What the steps of a commit change in one index. Entries have step numbers instead of slots.
pub(crate) struct Delta {
    pub(crate) index: Arc<Index>,
    pub(crate) added: Entries,
    pub(crate) removed: Entries,
    pub(crate) multikey: u32,
    pub(crate) truncated: bool,
    /// Steps whose documents could not be indexed while the index is being built.
    pub(crate) suspects: Vec<usize>,
}

impl Delta {
    pub(crate) fn new(index: &Arc<Index>) -> Delta {
        let (added, removed) = Default::default();
        Delta { index: index.clone(), added, removed, multikey: 0, truncated: false, suspects: Vec::new() }
    }

    pub(crate) fn take_back(&mut self, step: usize) {
        self.added.take_back(step as u64);
        self.removed.take_back(step as u64);
        self.suspects.retain(|suspect| *suspect != step);
    }
}

/// The keys of unique indexes that the steps of a commit use.
#[derive(Default)]
pub(crate) struct Claims {
    /// The step whose document has a key: by collection, index and key.
    pub(crate) keys: HashMap<(u32, u32, KeyBytes), usize, foldhash::fast::RandomState>,
    /// Slots whose newest documents the steps changed: their current keys are in `keys`.
    pub(crate) moved: HashSet<(u32, SlotId), foldhash::fast::RandomState>,
}
