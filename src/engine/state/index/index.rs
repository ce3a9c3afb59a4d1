//! One index of a collection: its entries, and from which LSN on it is usable.
//!
//! Readers depend on three orders, which the commit path and `Views` maintain:
//! - a version is in its slot before its keys are entries;
//! - entries of a version that no view needs are removed before the version is;
//! - an index is ready from the LSN on at which its record is in the log.
//!
//! So a visitor of an entry (one that [`Index::page`] calls) that finds the entry's slot without older versions may treat
//! the entry as one of the newest version.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use super::events::{Events, holds};
use super::layers::{Layer, Merged};
use crate::document::RawValue;
use crate::engine::exec::locks::{Mutex, ReadGuard, RwLock};
use crate::engine::state::base::IndexBase;
use crate::engine::state::slab::SlotId;
use crate::error::Result;
use crate::index::entry::split_entry;
use crate::index::{
    Entries, Found, Keys, Purpose, Range, ScanDirection, Spec, Tree, extract, extract_plain, merge,
};
use crate::query::Filter;
use crate::query::expression::Constants;
use crate::storage::Lsn;

const NEVER: u64 = u64::MAX;
/// Entries on disk that a pass over all of them reads at once.
const TOGETHER: usize = 1_024;

/// An index.
pub struct Index {
    number: u32,
    spec: Spec,
    partial: Option<Filter>,
    entries: Arc<SharedEntries>,
    /// Whether queries pass it over.
    hidden: AtomicBool,
    /// After how many seconds documents expire; below 0 never.
    expire_after: AtomicI64,
    ready_at: AtomicU64,
    dropped_at: AtomicU64,
    uses: AtomicU64,
    /// What must be checked before it is ready, while it is being built.
    suspects: Mutex<Suspects>,
}

/// What an index has in common with the one that takes its place when it was dropped and a restore brings it back.
#[derive(Default)]
pub(super) struct SharedEntries {
    contents: RwLock<Contents>,
    multikey: AtomicU32,
    truncated: AtomicBool,
    /// The commit up to which they were maintained; 0 while they are.
    kept_to: AtomicU64,
}

/// The entries of all versions that a view needs, and what some views see otherwise.
#[derive(Default)]
struct Contents {
    /// Entries below, which do not change.
    below: Option<Arc<Layer>>,
    /// Entries over them.
    tree: Tree,
    /// Entries below that were removed.
    gone: Tree,
    events: Events,
}

/// What a build must check on the newest versions: keys that several documents seemed to have, and documents that could not
/// be indexed.
#[derive(Clone, Default)]
pub(crate) struct Suspects {
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) slots: Vec<SlotId>,
}

impl Index {
    /// An index without entries, not ready. `number` is unique in its collection.
    pub fn new(number: u32, spec: Spec) -> Result<Index> {
        let constants = Constants::default().under(spec.collation.clone());
        let parse = |filter| Filter::parse_tree(filter, &constants);
        let partial = spec.partial.as_ref().map(parse).transpose()?;
        let hidden = AtomicBool::new(spec.hidden);
        let expire_after = AtomicI64::new(spec.expire_after.map_or(-1, i64::from));
        // These may change; the definition does not.
        let spec = Spec { hidden: false, expire_after: None, ..spec };
        Ok(Index {
            number,
            spec,
            partial,
            entries: Arc::default(),
            hidden,
            expire_after,
            ready_at: AtomicU64::new(NEVER),
            dropped_at: AtomicU64::new(NEVER),
            uses: AtomicU64::new(0),
            suspects: Mutex::default(),
        })
    }

    /// Identifies it among the indexes of its collection, including dropped ones.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its definition.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Its definition, with what may change as it is now: whether it is hidden, and when documents expire.
    pub(crate) fn definition(&self) -> Spec {
        Spec { hidden: self.is_hidden(), expire_after: self.expire_after(), ..self.spec.clone() }
    }

    /// How many seconds after the time in its field a document expires; `None` where they do not.
    pub(crate) fn expire_after(&self) -> Option<u32> {
        u32::try_from(self.expire_after.load(Ordering::Acquire)).ok()
    }

    pub(crate) fn set_expire_after(&self, seconds: Option<u32>) {
        self.expire_after.store(seconds.map_or(-1, i64::from), Ordering::Release);
    }

    /// Whether queries pass it over. Writes maintain it all the same.
    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden.load(Ordering::Acquire)
    }

    pub(crate) fn set_hidden(&self, hidden: bool) {
        self.hidden.store(hidden, Ordering::Release);
    }

    /// Its partial filter, if any.
    pub fn partial(&self) -> Option<&Filter> {
        self.partial.as_ref()
    }

    /// A bit for each field on whose path a document has, or once had, an array (multikey).
    pub fn multikey(&self) -> u32 {
        self.entries.multikey.load(Ordering::Acquire)
    }

    /// Whether some key is, or once was, longer than entries are: equal entries may stand for different values.
    pub fn is_truncated(&self) -> bool {
        self.entries.truncated.load(Ordering::Acquire)
    }

    /// The same index with the same entries, ready from this commit on, which brings them up to date.
    pub(crate) fn again(&self, number: u32, lsn: Lsn) -> Result<Index> {
        let index = Index { entries: self.entries.clone(), ..Index::new(number, self.definition())? };
        index.set_ready(lsn);
        Ok(index)
    }

    /// Whether both have the same entries: one takes the place of the other.
    pub(crate) fn is_again(&self, other: &Index) -> bool {
        Arc::ptr_eq(&self.entries, &other.entries)
    }

    /// The newest state that its entries are those of, if it was dropped.
    pub(crate) fn kept_to(&self) -> Option<Lsn> {
        Some(self.entries.kept_to.load(Ordering::Acquire)).filter(|lsn| *lsn > 0).map(|lsn| Lsn(lsn - 1))
    }

    /// Its entries are maintained once more.
    pub(crate) fn keep_again(&self) {
        self.entries.kept_to.store(0, Ordering::Release);
    }

    /// A copy that has only the entries of the newest state and is ready. No commit may happen meanwhile; there is no checkpoint.
    pub(crate) fn copied(&self) -> Result<Index> {
        let copy = Index::new(self.number, self.definition())?;
        let contents = self.entries.contents.read();
        let mut tree = contents.tree.clone();
        contents.events.superseded().for_each(|(key, slot)| _ = tree.remove(key, slot));
        copy.entries.contents.write().tree = tree;
        copy.note(self.multikey(), self.is_truncated());
        copy.set_ready(Lsn(0));
        Ok(copy)
    }

    /// Begins with the entries of a checkpoint, before any other use.
    pub(crate) fn begin_from(&self, base: Option<IndexBase>, multikey: u32, truncated: bool) {
        self.note(multikey, truncated);
        self.entries.contents.write().below = base.map(|base| Arc::new(Layer::Base(base)));
    }

    /// Parts the entries of the newest state from those that commits add and remove from now on, which come over them; returns
    /// them, none where there are none. No commit may happen meanwhile. Entries that were superseded and that a view still needs
    /// stay above.
    pub(crate) fn freeze(&self) -> Option<Arc<Layer>> {
        let mut contents = self.entries.contents.write();
        let Contents { below, tree, gone, events } = &mut *contents;
        if tree.is_empty() && gone.is_empty() && events.superseded().next().is_none() {
            return below.clone();
        }
        let (mut frozen, mut removed) = (std::mem::take(tree), std::mem::take(gone));
        for (key, slot) in events.superseded() {
            if !frozen.remove(key, slot) {
                removed.insert(key, slot);
            }
            tree.insert(key, slot);
        }
        let layer = Layer::Frozen { below: below.take(), tree: frozen, gone: removed };
        Some(below.insert(Arc::new(layer)).clone())
    }

    /// Puts the same entries in a checkpoint in place of those that [`Index::freeze`] returned.
    pub(crate) fn rebase(&self, frozen: Option<&Arc<Layer>>, base: Option<IndexBase>) {
        let mut contents = self.entries.contents.write();
        let is_same = match (&contents.below, frozen) {
            (Some(below), Some(frozen)) => Arc::ptr_eq(below, frozen),
            (below, frozen) => below.is_none() && frozen.is_none(),
        };
        if is_same {
            contents.below = base.map(|base| Arc::new(Layer::Base(base)));
        }
    }

    /// Entries.
    pub fn len(&self) -> u64 {
        let contents = self.entries.contents.read();
        let below = contents.below.as_ref().map_or(0, |below| below.len());
        (below + contents.tree.len()).saturating_sub(contents.gone.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that its entries take.
    pub fn bytes(&self) -> u64 {
        let contents = self.entries.contents.read();
        let below = contents.below.as_ref().map_or(0, |below| below.bytes());
        below + contents.tree.bytes() + contents.gone.bytes()
    }

    /// How many entries a range has. If the pages with that number cannot be read, neither can those of the entries: then all
    /// entries are counted.
    pub fn estimate(&self, range: &Range) -> u64 {
        let count = |below: &Layer| Ok(below.count(range).unwrap_or_else(|_| below.len()));
        let Ok((below, contents)) = self.over(count) else { return 0 };
        (below + contents.tree.estimate(range)).saturating_sub(contents.gone.estimate(range))
    }

    /// Calls a function with the keys and slots of entries in a range, in this direction, at most `max` of them,
    /// starting after `after`; returns where to continue. `visit` runs under the index's lock: it may read slots (never an
    /// index), and what it finds there belongs to the entry (see above).
    pub(crate) fn page(
        &self,
        range: &Range,
        after: Option<&[u8]>,
        direction: ScanDirection,
        max: usize,
        mut visit: impl FnMut(&[u8], SlotId),
    ) -> Result<Option<Vec<u8>>> {
        // Read before the lock is taken. Entries below do not change; which of them are gone is asked under the lock.
        let (below, contents) = self.over(|below| below.page(range, after, direction, max))?;
        let Contents { tree, gone, .. } = &*contents;
        if contents.below.is_none() {
            return Ok(tree.page(range, after, direction, max, |key, slot| visit(key, SlotId(slot))));
        }
        Ok(Merged { gone, max, direction, visit: &mut visit, given: 0, last: Vec::new() }
            .run(&below, |visit| tree.page(range, after, direction, max, visit)))
    }

    /// What a function finds in the entries below, and those over just them, locked.
    fn over<R: Default>(&self, read: impl Fn(&Layer) -> Result<R>) -> Result<(R, ReadGuard<'_, Contents>)> {
        loop {
            let contents = self.entries.contents.read();
            let Some(below) = contents.below.clone() else { return Ok((R::default(), contents)) };
            drop(contents);
            let found = read(&below)?;
            let contents = self.entries.contents.read();
            if contents.below.as_ref().is_some_and(|now| Arc::ptr_eq(now, &below)) {
                return Ok((found, contents));
            }
        }
    }

    /// Counts a query that used it.
    pub fn count_use(&self) {
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// How many queries used it since the database was opened.
    pub fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }

    /// Whether a view at this LSN may use it: its entries cover all that the view sees. `Lsn::NEWEST` stands for the newest
    /// applied state.
    pub fn is_ready(&self, view: Lsn) -> bool {
        let (ready, dropped) =
            (self.ready_at.load(Ordering::Acquire), self.dropped_at.load(Ordering::Acquire));
        ready != NEVER && ready <= view.0 && (dropped == NEVER || view.0 < dropped)
    }

    /// Whether it is being built.
    pub fn is_building(&self) -> bool {
        self.ready_at.load(Ordering::Acquire) == NEVER
    }

    /// Whether commits maintain it.
    pub(crate) fn is_kept(&self) -> bool {
        self.dropped_at.load(Ordering::Acquire) == NEVER
    }

    pub(crate) fn set_ready(&self, lsn: Lsn) {
        self.ready_at.store(lsn.0, Ordering::Release);
    }

    pub(crate) fn set_dropped(&self, lsn: Lsn) {
        self.entries.kept_to.store(lsn.0, Ordering::Release);
        self.dropped_at.store(lsn.0, Ordering::Release);
    }

    /// The keys of a document.
    pub(crate) fn keys(
        &self,
        document: RawValue<'_>,
        purpose: Purpose,
        scratch: &mut Vec<u8>,
    ) -> Result<Keys> {
        if self.partial.as_ref().is_some_and(|filter| !filter.matches(document)) {
            return Ok(Keys::default());
        }
        extract(&self.spec, document, purpose, scratch)
    }

    /// Records properties of these keys for readers. Called before their entries are inserted, and before they become
    /// visible.
    pub(crate) fn note(&self, multikey: u32, truncated: bool) {
        if multikey & !self.entries.multikey.load(Ordering::Relaxed) != 0 {
            self.entries.multikey.fetch_or(multikey, Ordering::AcqRel);
        }
        if truncated {
            self.entries.truncated.store(true, Ordering::Release);
        }
    }

    /// The key of a document without arrays on its paths, in `key`.
    pub(crate) fn plain_key(&self, document: RawValue<'_>, key: &mut Vec<u8>) -> Found {
        if self.partial.as_ref().is_some_and(|filter| !filter.matches(document)) {
            return Found::Nothing;
        }
        extract_plain(&self.spec, document, key)
    }

    /// Inserts the sorted entries that a commit adds, of versions that are in their slots already, and records those that it
    /// supersedes, which [`Index::remove`] removes later. `oldest` returns the oldest state that a view sees, or may come to see.
    pub(crate) fn change(
        &self,
        lsn: Lsn,
        added: Entries,
        superseded: Option<&Arc<Entries>>,
        oldest: impl FnOnce() -> Lsn,
    ) {
        let watched = self.spec.unique && self.is_building();
        let mut contents = self.entries.contents.write();
        let Contents { tree, events, .. } = &mut *contents;
        let mut near = None;
        for (key, slot) in added.iter() {
            near = tree.insert_near(near, key, slot);
            if watched && is_shared(tree, key) {
                self.suspects.lock().keys.push(key.to_vec());
            }
        }
        if !added.is_empty() {
            events.add(lsn, Arc::new(added), oldest);
        }
        if let Some(superseded) = superseded {
            events.supersede(lsn, superseded.clone());
        }
    }

    /// Adds and removes sorted entries on the checkpoint's, before any other use.
    pub(crate) fn bring_up(&self, added: &Entries, removed: &Entries) {
        let mut contents = self.entries.contents.write();
        let Contents { tree, gone, .. } = &mut *contents;
        removed.iter().for_each(|(key, slot)| gone.insert(key, slot));
        added.iter().for_each(|(key, slot)| tree.insert(key, slot));
    }

    /// Removes the sorted entries that a commit superseded. No view before the commit is open.
    pub(crate) fn remove(&self, lsn: Lsn, entries: &Entries) {
        let mut contents = self.entries.contents.write();
        let Contents { below, tree, gone, events } = &mut *contents;
        let mut near = None;
        for (key, slot) in entries.iter() {
            let (place, removed) = tree.remove_near(near, key, slot);
            near = place;
            if !removed && below.is_some() {
                gone.insert(key, slot);
            }
        }
        events.removed(lsn);
    }

    /// The number of entries in ranges that a view sees, without reading the entries; `None` where reading them is faster. Ranges must not overlap.
    pub(crate) fn count_in(&self, ranges: &[Range], view: Lsn) -> Option<u64> {
        let count = |below: &Layer| ranges.iter().map(|range| below.count(range)).sum::<Result<u64>>();
        let (below, contents) = self.over(count).ok()?;
        let Contents { tree, gone, events, .. } = &*contents;
        let within = |tree: &Tree| ranges.iter().map(|range| tree.estimate(range)).sum::<u64>();
        let distinct = (below + within(tree)).saturating_sub(within(gone));
        // Comparing an entry costs less than reading the versions of its document.
        let enough = 64 + 2 * distinct;
        let repeated = tree.repeats(enough)?.filter(|(key, _)| ranges.iter().any(|range| holds(range, key)));
        let all = distinct + repeated.map(|(_, more)| u64::from(more)).sum::<u64>();
        all.checked_sub(events.unseen(ranges, view, enough)?)
    }

    /// Records that the document in this slot could not be indexed while the index was being built.
    pub(crate) fn suspect(&self, slot: SlotId) {
        self.suspects.lock().slots.push(slot);
    }

    pub(crate) fn suspects(&self) -> &Mutex<Suspects> {
        &self.suspects
    }

    /// Adds the sorted entries of a view to those that commits have inserted since.
    pub(crate) fn fill(&self, runs: &[Entries]) {
        let mut filled = merge(runs, |key| {
            if self.spec.unique {
                self.suspects.lock().keys.push(key.to_vec());
            }
        });
        let mut contents = self.entries.contents.write();
        let since = std::mem::take(&mut contents.tree);
        since.each(|key, slot, times| {
            for _ in 0..times {
                filled.insert(key, slot);
            }
            if self.spec.unique && is_shared(&filled, key) {
                self.suspects.lock().keys.push(key.to_vec());
            }
        });
        contents.tree = filled;
    }

    /// Calls a function with every entry and its count. No commit may happen meanwhile.
    pub(crate) fn each(&self, mut visit: impl FnMut(&[u8], SlotId, u32)) -> Result<()> {
        let below = self.entries.contents.read().below.clone();
        if let Some(below) = below {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let page = below.page(&Range::all(), after.as_deref(), ScanDirection::Forward, TOGETHER)?;
                let contents = self.entries.contents.read();
                for entry in page.iter() {
                    let (key, slot) = split_entry(entry);
                    if !contents.gone.contains(key, slot) {
                        visit(key, SlotId(slot), 1);
                    }
                }
                after = page.iter().next_back().map(<[u8]>::to_vec);
                if !page.more {
                    break;
                }
            }
        }
        self.entries.contents.read().tree.each(|key, slot, times| visit(key, SlotId(slot), times));
        Ok(())
    }

    /// Slots that have an entry of this key.
    pub(crate) fn slots(&self, key: &[u8]) -> Result<Vec<SlotId>> {
        let (mut slots, contents) = self.over(|below| below.slots(key))?;
        slots.retain(|slot| !contents.gone.contains(key, *slot));
        let below = slots.len();
        contents.tree.slots_of(key, |slot| {
            if !slots[..below].contains(&slot) {
                slots.push(slot);
            }
            ControlFlow::Continue(())
        });
        Ok(slots.into_iter().map(SlotId).collect())
    }
}

/// Whether several slots have entries of this key.
fn is_shared(tree: &Tree, key: &[u8]) -> bool {
    let mut count = 0;
    tree.slots_of(key, |_| {
        count += 1;
        if count > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    count > 1
}
