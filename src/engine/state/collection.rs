//! A collection: its shapes, its directory from `_id` to slot, its slots.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::{DashMap, Entry};

use super::base::CollectionBase;
use super::capped::Capped;
use super::collection_options::{CollectionOptions, OfIndex};
use super::index::Index;
use super::recent::Recent;
use super::rules::{Rules, Traits, view_definition::no_view};
use super::scan_counts::ScanCounts;
use super::slab::{Slab, SlotId, Version, VisibleVersion};
use super::tally::{Running, Tally};
use crate::document::{Collation, Shapes, incoming::Translation};
use crate::engine::exec::locks::{Mutex, RwLock};
use crate::engine::exec::nonblocking::{NONBLOCKING_BYTES, is_nonblocking, nonblocking};
use crate::engine::format::key::Key;
use crate::error::Result;
use crate::storage::Lsn;

/// Every collection of a database by number, as long as anything may still refer to it.
pub(crate) type Collections = DashMap<u32, Arc<Collection>, foldhash::fast::RandomState>;

type Directory = DashMap<Key, SlotId, foldhash::fast::RandomState>;

/// One collection. Names belong to the catalogue: a collection keeps its number, and its readers, until it is freed.
pub struct Collection {
    number: u32,
    /// Shared with those who read old commits after it was dropped.
    shapes: Arc<Shapes>,
    /// Changed under the commit lock.
    options: RwLock<Arc<CollectionOptions>>,
    traits: Traits,
    /// What the options ask of documents.
    rules: RwLock<Option<Arc<Rules>>>,
    /// Whether there are rules: every write looks here.
    is_validated: AtomicBool,
    /// Created with the first document: its shards cost more than the rest of an empty collection.
    directory: OnceLock<Directory>,
    slab: Slab,
    /// Whether a restore has brought documents back into slots that they had left.
    is_relived: AtomicBool,
    /// The number of documents in the newest published state.
    count: AtomicU64,
    /// The sums of the commits up to the newest applied one.
    tally: Running,
    /// Shapes that the log defines. The table may be ahead of the log when a commit failed for lack of space; the next frame
    /// then contains the missing definitions. Changed only under the commit lock.
    logged_shapes: AtomicUsize,
    /// Translations of callers' shape numbers, for the most recent callers.
    translations: Mutex<Vec<Arc<Translation>>>,
    /// Includes indexes that are being built or dropped. Changed under the commit lock, or where a dropped one is freed.
    indexes: RwLock<Arc<[Arc<Index>]>>,
    /// Whether there ever was an index: collections without one save a lookup here.
    indexed: AtomicBool,
    /// The number of indexes ever created.
    index_numbers: AtomicU32,
    suggestions: ScanCounts,
    recent: Recent,
    capped: Capped,
}

/// What a key in the directory takes: the entry, and its share of a table that is between half full and full.
const KEY_COST: u64 = 64;

/// The number of callers whose translations are kept; more than a process has environments that write one collection.
const TRANSLATIONS: usize = 16;

impl Collection {
    /// An empty collection with this number.
    pub fn new(number: u32) -> Collection {
        Collection {
            number,
            shapes: Arc::default(),
            options: RwLock::default(),
            traits: Traits::default(),
            rules: RwLock::default(),
            is_validated: AtomicBool::new(false),
            directory: OnceLock::new(),
            slab: Slab::default(),
            is_relived: AtomicBool::new(false),
            count: AtomicU64::new(0),
            tally: Running::default(),
            logged_shapes: AtomicUsize::new(0),
            translations: Mutex::default(),
            indexes: RwLock::default(),
            indexed: AtomicBool::new(false),
            index_numbers: AtomicU32::new(0),
            suggestions: ScanCounts::default(),
            recent: Recent::default(),
            capped: Capped::default(),
        }
    }

    /// Its number, never reused.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its shapes.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// Its options.
    pub(crate) fn options(&self) -> Arc<CollectionOptions> {
        self.options.read().clone()
    }

    /// Gives it options: before anybody sees it, or under the commit lock.
    pub(crate) fn set_options(&self, options: Arc<CollectionOptions>) {
        let mut own = self.options.write();
        self.traits.set(options.keeps_images(), options.view().is_some(), options.collation());
        self.capped.set(options.cap());
        let mut rules = self.rules.write();
        *rules = options.validation().map(|(validator, level, action)| match rules.take() {
            Some(rules) if rules.is(validator, level, action) => rules,
            _ => Arc::new(Rules::new(validator.clone(), level, action)),
        });
        self.is_validated.store(rules.is_some(), Ordering::Release);
        for index in self.indexes().iter() {
            let name = &index.spec().name;
            let (was, is) = (own.of_index(name), options.of_index(name));
            if was != is {
                index.set_hidden(is.hidden);
                index.set_expire_after(is.expire_after);
            }
        }
        *own = options;
    }

    /// An index is ready or dropped: the options say from now on whether it is hidden, and when documents expire.
    pub(crate) fn note_index(&self, index: &Index, is_there: bool) {
        let now = OfIndex { hidden: index.is_hidden(), expire_after: index.expire_after() };
        let now = if is_there { now } else { OfIndex::default() };
        let name = &index.spec().name;
        let mut own = self.options.write();
        if own.of_index(name) != now {
            *own = Arc::new(own.with_index(name, now));
        }
    }

    /// Takes over options and rules of another: documents that have passed those have passed its own.
    pub(crate) fn set_options_of(&self, other: &Collection) {
        *self.rules.write() = other.rules();
        self.set_options(other.options());
    }

    /// What it asks of its documents, if anything.
    #[inline]
    pub(crate) fn rules(&self) -> Option<Arc<Rules>> {
        match self.is_validated.load(Ordering::Acquire) {
            true => self.rules.read().clone(),
            false => None,
        }
    }

    /// Whether it is a view.
    #[inline]
    pub(crate) fn is_view(&self) -> bool {
        self.traits.is_view()
    }

    /// How strings compare where an operation does not say that.
    #[inline]
    pub(crate) fn collation(&self) -> Collation {
        self.traits.collation()
    }

    /// Refuses a view where documents are stored.
    #[inline]
    pub(crate) fn check_stores(&self, name: &str) -> Result<()> {
        if self.is_view() { Err(no_view(name)) } else { Ok(()) }
    }

    /// Whether the log gets documents as they were before a change.
    pub(crate) fn keeps_images(&self) -> bool {
        self.traits.keeps_images()
    }

    /// The same, for those who outlive it.
    pub(crate) fn shared_shapes(&self) -> Arc<Shapes> {
        self.shapes.clone()
    }

    /// Documents in the newest published state.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Its indexes except the one on `_id`, including those being built, and dropped ones that a view may still use:
    /// `Index::is_ready` tells which are usable.
    pub fn indexes(&self) -> Arc<[Arc<Index>]> {
        self.indexes.read().clone()
    }

    /// The indexes that a view of this number may use.
    pub(crate) fn ready_indexes(&self, view: Lsn) -> impl Iterator<Item = Arc<Index>> + use<> {
        let indexes = self.indexes();
        (0..indexes.len())
            .filter_map(move |i| indexes.get(i).cloned())
            .filter(move |index| index.is_ready(view))
    }

    pub(crate) fn next_index(&self) -> u32 {
        self.index_numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_indexed(&self) -> bool {
        self.indexed.load(Ordering::Acquire)
    }

    /// Whether storing a document, or replacing or deleting the one in this slot, may take long because of indexes: one is
    /// being built, which holds its lock, or the document is large. Keys are inserted after the last step of a commit that
    /// can fail, so a thread that must not block has to check this before.
    pub(crate) fn takes_long_to_index(&self, replaced: Option<SlotId>) -> bool {
        // A slot that cannot be read in memory is on disk, which takes long as well.
        let is_large = |slot| {
            let size = self.slab.newest(slot, |version| version.content.live_bytes());
            size.is_ok_and(|size| size.is_some_and(|size| size > NONBLOCKING_BYTES))
        };
        self.is_indexed()
            && (replaced.is_some_and(is_large) || self.indexes.read().iter().any(|index| index.is_building()))
    }

    pub(crate) fn add_index(&self, index: Arc<Index>) {
        let known = self.options.read().of_index(&index.spec().name);
        if known != OfIndex::default() {
            index.set_hidden(known.hidden);
            index.set_expire_after(known.expire_after);
        }
        let mut indexes = self.indexes.write();
        *indexes = indexes.iter().cloned().chain([index]).collect();
        self.indexed.store(true, Ordering::Release);
    }

    pub(crate) fn remove_index(&self, number: u32) {
        let mut indexes = self.indexes.write();
        *indexes = indexes.iter().filter(|index| index.number() != number).cloned().collect();
    }

    /// Bytes of documents in memory, old versions included.
    pub fn hot_bytes(&self) -> u64 {
        self.slab.hot_bytes()
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> u64 {
        let entries: u64 = self.indexes().iter().map(|index| index.bytes()).sum();
        self.hot_bytes() + self.slab.slot_bytes() + self.key_bytes() + entries
    }

    /// Bytes of the newest versions, in memory or on disk.
    pub fn live_bytes(&self) -> u64 {
        self.slab.live_bytes()
    }

    pub(crate) fn suggestions(&self) -> &ScanCounts {
        &self.suggestions
    }

    /// Its limits and ends, if it is capped.
    pub(crate) fn capped(&self) -> &Capped {
        &self.capped
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    pub(crate) fn slab(&self) -> &Slab {
        &self.slab
    }

    fn directory(&self) -> &Directory {
        self.directory.get_or_init(Directory::default)
    }

    /// From now on documents may have other lives than those in earlier slots.
    pub(in crate::engine::state) fn begin_lives(&self) {
        self.is_relived.store(true, Ordering::Release);
    }

    /// The keys of the documents in these slots, which are so many.
    fn copied_keys(&self, documents: u64, slab: &Slab) -> Directory {
        let keys = self.directory.get().cloned().unwrap_or_default();
        // Deleted documents that a view still needs have keys.
        if keys.len() as u64 != documents {
            keys.retain(|_, slot| {
                slab.newest(*slot, |newest| newest.content.is_document())
                    .is_ok_and(|found| found == Some(true))
            });
        }
        keys
    }

    /// Begins with these slots, and the keys of the collection that they are copied of.
    pub(in crate::engine::state) fn begin_copied(&mut self, slab: Slab, from: &Collection, tally: Tally) {
        self.directory = OnceLock::from(from.copied_keys(tally.documents, &slab));
        self.slab = slab;
        self.count.store(tally.documents, Ordering::Release);
        self.tally.add(tally);
    }

    /// The numbers of indexes to come are beyond this.
    pub(in crate::engine::state) fn number_after(&self, index: u32) {
        self.index_numbers.fetch_max(index + 1, Ordering::Relaxed);
    }

    /// Begins with the state of a checkpoint, before any other use.
    pub(crate) fn begin_from(&self, base: Arc<CollectionBase>, tally: Tally, live_bytes: u64) {
        self.count.store(tally.documents, Ordering::Release);
        self.tally.add(tally);
        self.slab.begin_from(base, live_bytes);
    }

    /// From now on this checkpoint is below: see [`Slab::rebase`].
    pub(crate) fn rebase(&self, base: Arc<CollectionBase>) {
        self.slab.rebase(base);
    }

    /// The checkpoint below its keys.
    pub(crate) fn base(&self) -> Option<Arc<CollectionBase>> {
        self.slab.base()
    }

    /// The checkpoints below.
    pub(crate) fn bases(&self) -> impl Iterator<Item = Arc<CollectionBase>> + use<> {
        self.slab.bases().into_iter().flatten()
    }

    /// Whether there is a checkpoint below.
    pub(crate) fn is_based(&self) -> bool {
        self.slab.is_based()
    }

    /// The slot that the newest life of this key's document is in, or was in.
    pub(crate) fn slot_of(&self, key: &Key) -> Result<Option<SlotId>> {
        if let Some(slot) = self.directory.get().and_then(|directory| directory.get(key).map(|slot| *slot)) {
            return Ok(Some(slot));
        }
        match self.slab.base() {
            None => Ok(None),
            Some(base) => base.slot_of(key),
        }
    }

    /// Whether the directory in memory has this key.
    fn is_entered(&self, key: &Key) -> bool {
        self.directory.get().is_some_and(|directory| directory.contains_key(key))
    }

    pub(crate) fn enter(&self, key: Key, slot: SlotId) {
        self.directory().insert(key, slot);
    }

    /// Inserts a key that no document has yet; `false` when one has.
    pub(crate) fn enter_new(&self, key: Key, slot: SlotId) -> bool {
        self.directory().insert(key, slot).is_none()
    }

    /// The slot of this key; if there is none, inserts the key with the given slot.
    pub(crate) fn find_or_enter(&self, key: Key, slot: SlotId) -> Option<SlotId> {
        match self.directory().entry(key) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(place) => {
                place.insert(slot);
                None
            }
        }
    }

    /// Removes the key, unless a later life of the document uses it.
    pub(crate) fn leave(&self, key: &Key, slot: SlotId) {
        if let Some(directory) = self.directory.get() {
            directory.remove_if(key, |_, current| *current == slot);
        }
    }

    /// Removes keys that the checkpoint below has with the same slots.
    pub(crate) fn leave_all(&self, keys: &[(Key, SlotId)]) {
        for (key, slot) in keys {
            self.leave(key, *slot);
        }
        if let Some(directory) = self.directory.get() {
            directory.shrink_to_fit();
        }
    }

    /// About how many bytes of memory the keys in the directory take.
    pub(crate) fn key_bytes(&self) -> u64 {
        self.directory.get().map_or(0, |directory| directory.len() as u64 * KEY_COST)
    }

    /// Calls a function with each key and its slot, in no particular order.
    pub(crate) fn each_key(&self, mut visit: impl FnMut(&Key, SlotId)) {
        if let Some(directory) = self.directory.get() {
            directory.iter().for_each(|entry| visit(entry.key(), *entry.value()));
        }
    }

    pub(crate) fn change_count(&self, by: i64) {
        self.count.fetch_add(by as u64, Ordering::AcqRel);
    }

    /// The sums of the commits up to the newest applied one.
    pub(crate) fn tally(&self) -> &Running {
        &self.tally
    }

    pub(crate) fn logged_shapes(&self) -> usize {
        self.logged_shapes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_logged_shapes(&self, count: usize) {
        self.logged_shapes.store(count, Ordering::Relaxed);
    }

    /// The known translation of a caller's shape numbers into this collection's.
    pub(crate) fn translation(&self, source: &Shapes) -> Arc<Translation> {
        let mut translations = self.translations.lock();
        if let Some(known) = translations.iter().find(|known| known.is_from(source)) {
            return known.clone();
        }
        if translations.len() == TRANSLATIONS {
            translations.remove(0);
        }
        let fresh = Arc::new(Translation::new(source, &self.shapes));
        translations.push(fresh.clone());
        fresh
    }

    /// What the view has for this key, if nothing of that is on disk; `None` where it is.
    pub(crate) fn find_in_memory(
        &self,
        key: &Key,
        view: impl Fn() -> Lsn,
    ) -> Option<Option<(SlotId, Version)>> {
        if !self.is_based() || is_nonblocking() {
            return self.find(key, view).ok();
        }
        nonblocking(|| self.find(key, view)).and_then(Result::ok)
    }

    /// [`Collection::find`]; remembers where the key was found, as it is likely to be looked up again.
    pub(crate) fn find_again(&self, key: &Key, view: impl Fn() -> Lsn) -> Result<Option<(SlotId, Version)>> {
        let found = self.find(key, view)?;
        if let (Some(base), Some((slot, _))) = (self.base(), &found)
            && base.base().keeps()
            && !self.is_entered(key)
            // The slot in the checkpoint; that of a later life, which its commit inserts, is kept.
            && base.slot_of(key)? == Some(*slot)
        {
            self.find_or_enter(key.clone(), *slot);
        }
        Ok(found)
    }

    /// What the view has for this key: its slot, and the version.
    pub(crate) fn find(&self, key: &Key, view: impl Fn() -> Lsn) -> Result<Option<(SlotId, Version)>> {
        let Some(mut first) = self.slot_of(key)? else { return Ok(None) };
        loop {
            let number = view();
            let found = self.find_from(first, &view)?;
            if found.is_some() {
                return Ok(found);
            }
            // A commit that deletes a document and inserts it again moves it to another slot. A reader that went from slot
            // to slot meanwhile has seen only the first half: the directory decides.
            let Some(now) = self.slot_of(key)? else { return Ok(None) };
            if now == first && view() == number {
                return Ok(None);
            }
            first = now;
        }
    }

    fn find_from(&self, first: SlotId, view: impl Fn() -> Lsn) -> Result<Option<(SlotId, Version)>> {
        if self.is_relived.load(Ordering::Acquire) {
            return self.slab.find_life(first, &view);
        }
        let mut slot = first;
        loop {
            let step = self.slab.seen(slot, &view, |seen| match seen {
                VisibleVersion::Version(version) if version.content.is_document() => {
                    Err(Some((slot, version.clone())))
                }
                VisibleVersion::Before(earlier) => Ok(earlier),
                VisibleVersion::Version(_) | VisibleVersion::Nothing => Err(None),
            })?;
            match step {
                Ok(earlier) => slot = earlier,
                Err(found) => return Ok(found),
            }
        }
    }
}
