//! What a transaction has written and not committed, as its reads see it: documents over those of its view.
//!
//! A document in place of one that the view sees keeps its slot, so it stays where it was in natural order. A new one gets a
//! slot above all others, and so comes after them, as it will when it is committed. Cursors keep what there was when they
//! were opened; the next write then works on a copy.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::document::RawValue;
use crate::engine::format::key::Key;
use crate::engine::format::record::{Made, Put, Record, Records};
use crate::engine::state::collection::Collection;
use crate::engine::state::rules::Checked;
use crate::engine::state::slab::{SlotId, Span};
use crate::index::{KeyBytes, Range};
use crate::storage::Block;

/// The first slot of new documents. An entry of an index holds 48 bits of a slot, and no collection comes near this.
const FRESH: u64 = 1 << 47;

type Random = foldhash::fast::RandomState;

/// A document that the transaction has written.
#[derive(Clone)]
pub(crate) struct OwnDocument {
    /// Its key.
    pub(crate) key: Key,
    /// A block with its record.
    pub(crate) block: Arc<Block>,
    /// Its place in the block.
    pub(crate) span: Span,
    /// Its keys in indexes.
    pub(crate) keys: Arc<OwnKeys>,
    /// By which rules it has been checked.
    pub(crate) checked: Checked,
}

/// The keys of a document in the indexes of its collection, with their numbers.
#[derive(Default)]
pub(crate) struct OwnKeys {
    /// As entries have them.
    pub(crate) entries: Vec<(u32, KeyBytes)>,
    /// Whole, in unique indexes.
    pub(crate) unique: Vec<(u32, KeyBytes)>,
    /// Indexes on whose paths it has an array.
    pub(crate) multikey: Vec<u32>,
}

impl OwnKeys {
    /// About how many bytes of memory they take, here and in the sets of all documents.
    pub(crate) fn bytes(&self) -> u64 {
        let all = self.entries.iter().chain(&self.unique);
        all.map(|(_, key)| 2 * (key.len() as u64 + 64)).sum()
    }
}

/// The entries of an index.
#[derive(Clone, Default)]
struct OwnIndex {
    entries: BTreeSet<(KeyBytes, u64)>,
    /// Whether a document has, or had, an array on a path of the index.
    multikey: bool,
}

impl OwnDocument {
    /// The paths that the transaction has changed in it, if it is the result of updates only.
    pub(crate) fn changes(&self) -> Option<&[u8]> {
        let mut records = Records::new(&self.block.bytes);
        match records.next()?.ok()? {
            Record::Put(Put { made: Made::Updated { changes, .. }, .. }) => self.block.bytes.get(changes),
            _ => None,
        }
    }

    /// The document; its shapes are those of its collection.
    pub(crate) fn raw<'a>(&'a self, collection: &'a Collection) -> RawValue<'a> {
        RawValue::new(self.span.of(&self.block), collection.shapes())
    }
}

/// What has become of a key that the transaction has written.
#[derive(Clone, Copy)]
pub(crate) struct OwnKey {
    /// The slot of its document, unless that is deleted.
    pub(crate) slot: Option<u64>,
    /// The document of the view that was replaced or deleted.
    pub(crate) below: Option<SlotId>,
}

/// What a transaction has written to one collection.
#[derive(Clone, Default)]
pub(crate) struct OwnDocuments {
    /// In natural order.
    documents: BTreeMap<u64, OwnDocument>,
    keys: HashMap<Key, OwnKey, Random>,
    /// Slots whose documents were replaced or deleted.
    hidden: HashSet<u64, Random>,
    /// Which document has a key of a unique index.
    unique: HashMap<(u32, KeyBytes), u64, Random>,
    /// By the number of the index.
    indexes: HashMap<u32, OwnIndex, Random>,
    fresh: u64,
}

impl OwnDocuments {
    /// What has become of this key, if it was written.
    pub(crate) fn key(&self, key: &Key) -> Option<OwnKey> {
        self.keys.get(key).copied()
    }

    /// The document with this key; `None` where the key was not written, `Some(None)` where it was deleted.
    #[expect(
        clippy::option_option,
        reason = "a key that was not written and a deleted document are two things"
    )]
    pub(crate) fn by_key(&self, key: &Key) -> Option<Option<&OwnDocument>> {
        let own = self.keys.get(key)?;
        Some(own.slot.and_then(|slot| self.documents.get(&slot)))
    }

    /// Whether the document that the view sees in this slot was replaced or deleted.
    #[inline]
    pub(crate) fn hides(&self, slot: SlotId) -> bool {
        self.hidden.contains(&slot.0)
    }

    /// How many slots it hides.
    pub(crate) fn hidden_count(&self) -> u64 {
        self.hidden.len() as u64
    }

    /// The slots that it hides, in order.
    pub(crate) fn hidden(&self) -> Vec<u64> {
        let mut hidden: Vec<u64> = self.hidden.iter().copied().collect();
        hidden.sort_unstable();
        hidden
    }

    /// The documents, in natural order.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (u64, &OwnDocument)> {
        self.documents.iter().map(|(slot, document)| (*slot, document))
    }

    /// Adds the slots with entries in ranges of an index; false where the ranges may miss documents: those of a filter with two
    /// conditions on a path hold for paths without arrays only.
    pub(crate) fn in_ranges(&self, index: u32, ranges: &[Range], slots: &mut Vec<u64>) -> bool {
        let Some(own) = self.indexes.get(&index) else { return true };
        if own.multikey {
            return false;
        }
        for range in ranges {
            let from = (KeyBytes::from_slice(&range.low), 0);
            let within = own.entries.range(from..).take_while(|(key, _)| range.contains(key));
            slots.extend(within.map(|(_, slot)| *slot));
        }
        true
    }

    /// The written keys.
    pub(crate) fn keys(&self) -> impl ExactSizeIterator<Item = (&Key, OwnKey)> {
        self.keys.iter().map(|(key, own)| (key, *own))
    }

    /// Whether a document has, or had, a key of a unique index.
    pub(crate) fn has_unique(&self) -> bool {
        !self.unique.is_empty()
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The document in this slot.
    pub(crate) fn at(&self, slot: u64) -> Option<&OwnDocument> {
        self.documents.get(&slot)
    }

    /// The document that has a key of a unique index.
    pub(crate) fn holder(&self, index: u32, key: &KeyBytes) -> Option<&OwnDocument> {
        let slot = self.unique.get(&(index, key.clone()))?;
        self.documents.get(slot)
    }

    /// Writes a document; `below` is the slot of the document of the view that has its key, if there is one.
    pub(crate) fn put(&mut self, document: OwnDocument, below: Option<SlotId>) {
        let known = self.keys.get(&document.key).copied();
        let slot = match (known, below) {
            (Some(OwnKey { slot: Some(slot), .. }), _) => slot,
            (None, Some(below)) => below.0,
            // A document that was deleted and is inserted again is a new one.
            _ => {
                self.fresh += 1;
                FRESH + self.fresh
            }
        };
        let below = known.map_or(below, |known| known.below);
        self.hidden.extend(below.map(|below| below.0));
        self.release(slot);
        for (index, key) in &document.keys.unique {
            self.unique.insert((*index, key.clone()), slot);
        }
        for (index, key) in &document.keys.entries {
            self.indexes.entry(*index).or_default().entries.insert((key.clone(), slot));
        }
        for index in &document.keys.multikey {
            self.indexes.entry(*index).or_default().multikey = true;
        }
        self.keys.insert(document.key.clone(), OwnKey { slot: Some(slot), below });
        self.documents.insert(slot, document);
    }

    /// Deletes a document; `below` as for `put`.
    pub(crate) fn delete(&mut self, key: &Key, below: Option<SlotId>) {
        let known = self.keys.get(key).copied();
        if let Some(slot) = known.and_then(|known| known.slot) {
            self.release(slot);
            self.documents.remove(&slot);
        }
        let below = known.map_or(below, |known| known.below);
        self.hidden.extend(below.map(|below| below.0));
        self.keys.insert(key.clone(), OwnKey { slot: None, below });
    }

    /// Releases the keys in indexes of the document in this slot.
    fn release(&mut self, slot: u64) {
        let Some(before) = self.documents.get(&slot) else { return };
        for (index, key) in &before.keys.entries {
            if let Some(own) = self.indexes.get_mut(index) {
                own.entries.remove(&(key.clone(), slot));
            }
        }
        for (index, key) in &before.keys.unique {
            let claim = (*index, key.clone());
            if self.unique.get(&claim) == Some(&slot) {
                self.unique.remove(&claim);
            }
        }
    }
}
