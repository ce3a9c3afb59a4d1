//! What a serializable transaction has read: documents by their keys, found or not, filters, and names without a collection. Its
//! commit compares that with what other writers have changed since its view (`transaction/recheck`).
//!
//! What is noted is at least what was read. The memory of it is bounded: beyond the limits below a collection counts as read whole.
//! From the first read of a collection on, the slots that commits change in it are recorded (`state/recent`).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::document::RawValue;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::exec::locks::Mutex;
use crate::engine::format::key::{Key, key_of};
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::SlotId;
use crate::engine::store::Store;
use crate::error::Result;
use crate::query::Filter;
use crate::storage::Lsn;
use crate::work::Work;

/// Filters of a collection.
const FILTERS: usize = 64;
/// About how many bytes all filters take.
const FILTER_BYTES: usize = 1 << 20;
/// Keys of all collections.
const KEYS: usize = 100_000;
/// Bytes of those that no document had.
const KEY_BYTES: usize = 16 << 20;
/// Names that no collection had.
const NAMES: usize = 10_000;

type Random = foldhash::fast::RandomState;

/// What a transaction has read, while it is open.
pub(crate) struct ReadSet {
    store: Arc<Store>,
    /// The state that it reads.
    view: Lsn,
    reads: Mutex<Reads>,
}

/// What was read.
#[derive(Default)]
pub(crate) struct Reads {
    /// By the numbers of the collections.
    pub(crate) collections: BTreeMap<u32, CollectionReads>,
    /// Names that no collection of the view had.
    pub(crate) absent: HashSet<Arc<str>, Random>,
    /// There were too many of them: any commit may have given a collection one of them.
    pub(crate) is_boundless: bool,
    /// How much is noted, in all collections.
    taken: Taken,
}

#[derive(Default)]
struct Taken {
    keys: usize,
    key_bytes: usize,
    filter_bytes: usize,
}

/// What was read of a collection.
pub(crate) struct CollectionReads {
    /// Its name in the view.
    pub(crate) name: Arc<str>,
    watched: Watched,
    /// The slots of documents that were read by key.
    pub(crate) slots: HashSet<u64, Random>,
    /// Keys that no document of the view had.
    pub(crate) missing: HashSet<Key, Random>,
    /// They are light, and have no limits of time.
    pub(crate) filters: Vec<Filter>,
    /// It counts as read whole.
    pub(crate) is_whole: bool,
}

/// A collection whose changes are recorded.
struct Watched(Arc<Collection>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.recent().end_watch();
    }
}

impl CollectionReads {
    /// The collection.
    pub(crate) fn collection(&self) -> &Arc<Collection> {
        &self.watched.0
    }

    fn read_whole(&mut self) {
        self.is_whole = true;
        (self.slots, self.missing, self.filters) = Default::default();
    }
}

impl ReadSet {
    /// Of a transaction whose reads see this state.
    pub(crate) fn new(store: &Arc<Store>, view: Lsn) -> ReadSet {
        ReadSet { store: store.clone(), view, reads: Mutex::default() }
    }

    /// Takes all of it, at the end of the transaction.
    pub(crate) fn take(&self) -> Reads {
        std::mem::take(&mut *self.reads.lock())
    }

    /// Gives back what [`ReadSet::take`] took.
    pub(crate) fn give_back(&self, taken: Reads) {
        *self.reads.lock() = taken;
    }

    /// Notes that a name has no collection.
    pub(crate) fn absent(&self, name: &str) {
        let mut reads = self.reads.lock();
        if reads.absent.len() < NAMES {
            reads.absent.insert(name.into());
        } else {
            reads.is_boundless |= !reads.absent.contains(name);
        }
    }

    /// Notes that the document with a key was looked for, and where the view has it.
    pub(crate) fn key(
        &self,
        name: &str,
        collection: &Arc<Collection>,
        key: &Key,
        found: Option<SlotId>,
    ) -> Result<()> {
        self.within(name, collection, |reads, taken| {
            let is_new = match found {
                Some(slot) => reads.slots.insert(slot.0),
                None if reads.missing.contains(key) => false,
                None => {
                    taken.key_bytes += key.len();
                    reads.missing.insert(key.clone())
                }
            };
            taken.keys += usize::from(is_new);
            taken.keys <= KEYS && taken.key_bytes <= KEY_BYTES
        })
    }

    /// Notes that the documents that a filter matches were looked for.
    pub(crate) fn filter(&self, name: &str, collection: &Arc<Collection>, filter: &Filter) -> Result<()> {
        if let Some(id) = filter.id() {
            let key = key_of_value(id);
            let found = collection.find(&key, || self.view)?.map(|(slot, _)| slot);
            return self.key(name, collection, &key, found);
        }
        self.within(name, collection, |reads, taken| {
            if reads.filters.len() >= FILTERS || filter.is_all() || !filter.is_light() {
                return false;
            }
            taken.filter_bytes += filter.weight();
            reads.filters.push(filter.clone().within(&Work::default()));
            taken.filter_bytes <= FILTER_BYTES
        })
    }

    /// Notes that a name has a collection.
    pub(crate) fn collection(&self, name: &str, collection: &Arc<Collection>) -> Result<()> {
        self.within(name, collection, |_, _| true)
    }

    /// Notes that all of a collection was read.
    pub(crate) fn whole(&self, name: &str, collection: &Arc<Collection>) -> Result<()> {
        self.within(name, collection, |_, _| false)
    }

    /// Notes a read of a collection; beyond the limits, where `note` returns false, all of it.
    fn within(
        &self,
        name: &str,
        collection: &Arc<Collection>,
        note: impl FnOnce(&mut CollectionReads, &mut Taken) -> bool,
    ) -> Result<()> {
        let number = collection.number();
        let is_known = self.reads.lock().collections.contains_key(&number);
        let first = if is_known {
            None
        } else {
            let _applied = self.store.applied_to_commit()?;
            collection.recent().begin_watch();
            Some(Watched(collection.clone()))
        };
        let mut all = self.reads.lock();
        let Reads { collections, taken, .. } = &mut *all;
        if let Some(watched) = first {
            let (slots, missing, filters) = Default::default();
            let fresh =
                CollectionReads { name: name.into(), watched, slots, missing, filters, is_whole: false };
            collections.entry(number).or_insert(fresh);
        }
        if let Some(reads) = collections.get_mut(&number)
            && !reads.is_whole
            && !note(reads, taken)
        {
            reads.read_whole();
        }
        Ok(())
    }
}

/// The key of this `_id`.
fn key_of_value(id: &Value) -> Key {
    let mut plain = Vec::new();
    encode_plain(id, &mut plain);
    key_of(RawValue::new(&plain, Shapes::none()))
}
