//! The newest published state, the views of older ones, and what waits for those views to be dropped.
//!
//! A view takes the newest published LSN and sees exactly that state for as long as it lives. What a commit supersedes is
//! listed under the commit's LSN and freed, in LSN order, once no view before it is open. Point reads need no view: they
//! read the published LSN under the page's lock (`Slab::seen`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::catalogue::Catalogue;
use super::collection::{Collection, Collections};
use super::holds::Holds;
use super::idle_readers::{IdleReaders, Ticket};
use super::index::Index;
use super::slab::{SlotId, Version};
use crate::engine::exec::locks::{Mutex, RwLock};
use crate::engine::exec::nonblocking::is_nonblocking;
use crate::engine::format::key::Key;
use crate::index::Entries;
use crate::storage::Lsn;

/// Something that no state after the commit needs.
pub(crate) enum Superseded {
    /// Entries of older versions, sorted. They are freed before the versions.
    Entries(Arc<Index>, Arc<Entries>),
    /// A dropped index, by its number.
    Index(Arc<Collection>, u32),
    /// Older versions in a slot, and the bytes of memory of the newest of them.
    Versions(Arc<Collection>, SlotId, u32),
    /// A deleted document: its slot, its key, and the bytes of memory of its last version.
    Document(Arc<Collection>, SlotId, Key, u32),
    /// A dropped collection.
    Collection(u32),
}

/// The bytes of an older version besides its document: the version, the slot's history, and its place in the list of what is
/// superseded.
const VERSION_COST: u64 = (size_of::<Version>() + size_of::<Superseded>() + 64) as u64;

/// What commits superseded and some view may still see.
#[derive(Default)]
struct Garbage {
    /// By commit, with about how many bytes of memory it takes.
    lists: VecDeque<(Lsn, u64, Vec<Superseded>)>,
    /// The sum of them.
    bytes: u64,
}

/// The published state and its readers.
pub(crate) struct Views {
    published: AtomicU64,
    catalogue: RwLock<Arc<Catalogue>>,
    /// How many views are open at each LSN, and when (ms) the first of them was opened.
    open: Mutex<BTreeMap<Lsn, (usize, i64)>>,
    holds: Holds,
    garbage: Mutex<Garbage>,
    /// Held while garbage is freed, so that it is freed in LSN order.
    draining: Mutex<()>,
    collections: Arc<Collections>,
    readers: IdleReaders,
}

/// Held while blocks are read from files: no file that a slot may still name is deleted meanwhile.
pub(crate) struct Hold {
    ticket: u64,
    views: Arc<Views>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.views.holds.give_back(self.ticket);
        // Files may be deleted here. The caller of the scope checks `is_behind` after it.
        if !is_nonblocking() {
            self.views.holds.forget_retired();
        }
    }
}

/// A view: the state at one LSN. Dropping it frees what only this view could see.
pub(crate) struct View {
    lsn: Lsn,
    catalogue: Arc<Catalogue>,
    views: Arc<Views>,
    hold: Arc<Hold>,
    /// The hold of the first view of a state that was opened again: files that were retired since are its, too.
    first: Option<Arc<Hold>>,
}

impl View {
    /// The LSN of the state.
    pub(crate) fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// Another view of the same state.
    pub(crate) fn again(&self, now: i64) -> View {
        let hold = Arc::new(self.views.hold());
        let first = Some(self.first.as_ref().unwrap_or(&self.hold).clone());
        self.views.open.lock().entry(self.lsn).or_insert((0, now)).0 += 1;
        View { lsn: self.lsn, catalogue: self.catalogue.clone(), views: self.views.clone(), hold, first }
    }

    /// The collections of the state.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What identifies it among the open ones.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { lsn: self.lsn, number: self.hold.ticket }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        {
            let mut open = self.views.open.lock();
            if let Some((count, _)) = open.get_mut(&self.lsn) {
                *count -= 1;
                if *count == 0 {
                    open.remove(&self.lsn);
                }
            }
        }
        if !is_nonblocking() {
            self.views.reclaim();
        }
    }
}

impl Views {
    /// The state after recovery.
    pub(crate) fn new(
        published: Lsn,
        catalogue: Arc<Catalogue>,
        collections: Arc<Collections>,
    ) -> Arc<Views> {
        Arc::new(Views {
            published: AtomicU64::new(published.0),
            catalogue: RwLock::new(catalogue),
            open: Mutex::default(),
            holds: Holds::default(),
            garbage: Mutex::default(),
            draining: Mutex::default(),
            collections,
            readers: IdleReaders::default(),
        })
    }

    /// The newest published LSN.
    pub(crate) fn published(&self) -> Lsn {
        Lsn(self.published.load(Ordering::Acquire))
    }

    /// The collection of this name in the newest published state.
    pub(crate) fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        self.catalogue.read().get(name).cloned()
    }

    /// The collections of the newest published state.
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.read().clone()
    }

    /// Opens a view of the newest published state.
    pub(crate) fn open(self: &Arc<Self>, now: i64) -> View {
        // The hold comes first: what the view names was not retired before it.
        let hold = self.hold();
        let mut open = self.open.lock();
        // Publishing takes the same lock, so LSN and catalogue belong together.
        let lsn = self.published();
        open.entry(lsn).or_insert((0, now)).0 += 1;
        View { lsn, catalogue: self.catalogue(), views: self.clone(), hold: Arc::new(hold), first: None }
    }

    /// Opens a view of the newest applied state. The caller holds the commit lock; the view's content is valid only once its
    /// LSN is published.
    pub(crate) fn open_applied(self: &Arc<Self>, lsn: Lsn, catalogue: Arc<Catalogue>, now: i64) -> View {
        let hold = self.hold();
        self.open.lock().entry(lsn).or_insert((0, now)).0 += 1;
        View { lsn, catalogue, views: self.clone(), hold: Arc::new(hold), first: None }
    }

    /// Keeps the current files until dropped.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        Hold { ticket: self.holds.take(), views: self.clone() }
    }

    /// Calls back once every current hold is dropped, those before the returned number. No later reader needs what this deletes.
    pub(crate) fn when_released(&self, release: impl FnOnce() + Send + 'static) -> u64 {
        self.holds.when_released(release)
    }

    /// The readers that keep a view between two reads.
    pub(crate) fn readers(&self) -> &IdleReaders {
        &self.readers
    }

    /// About how many bytes of memory only views hold: older versions of documents, superseded entries of indexes, and what was
    /// dropped.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.garbage.lock().bytes
    }

    /// Ends idle readers, those of the oldest views first, until views hold at most so many bytes; returns how many. None ends that
    /// frees nothing: what a view holds is held by the views before it, too.
    pub(crate) fn end_beyond(&self, most: u64) -> usize {
        if self.held_bytes() <= most {
            return 0;
        }
        let open: Vec<(Lsn, usize)> =
            self.open.lock().iter().map(|(lsn, (count, _))| (*lsn, *count)).collect();
        let idle = self.readers.by_state();
        let published = self.published();
        let mut end = 0;
        {
            let garbage = self.garbage.lock();
            let (mut freed, mut lists) = (0, garbage.lists.iter().peekable());
            for (n, (lsn, count)) in open.iter().enumerate() {
                if idle.get(lsn).map_or(0, Vec::len) < *count || garbage.bytes - freed <= most {
                    break;
                }
                let next = open.get(n + 1).map_or(published, |(next, _)| *next);
                while let Some((_, bytes, _)) = lists.next_if(|(lsn, ..)| *lsn <= next) {
                    freed += bytes;
                    end = n + 1;
                }
            }
        }
        let chosen = open.iter().take(end).filter_map(|(lsn, _)| idle.get(lsn)).flatten();
        IdleReaders::end(chosen)
    }

    /// Ends the idle readers that all holds before this number are of; none if one is of another reader. Returns how many.
    pub(crate) fn end_before(&self, hold: u64) -> usize {
        match self.readers.of_holds(&self.holds.taken_before(hold)) {
            Some(readers) => IdleReaders::end(&readers),
            None => 0,
        }
    }

    fn weight(&self, item: &Superseded) -> u64 {
        match item {
            Superseded::Entries(_, entries) => entries.weight(),
            Superseded::Index(collection, number) => {
                let indexes = collection.indexes();
                indexes.iter().filter(|index| index.number() == *number).map(|index| index.bytes()).sum()
            }
            Superseded::Versions(_, _, bytes) | Superseded::Document(_, _, _, bytes) => {
                u64::from(*bytes) + VERSION_COST
            }
            Superseded::Collection(number) => self.collections.get(number).map_or(0, |one| one.memory()),
        }
    }

    /// The number of open views, and since when (ms) the oldest state is held.
    pub(crate) fn held(&self) -> (usize, Option<i64>) {
        let open = self.open.lock();
        (open.values().map(|(count, _)| count).sum(), open.values().next().map(|(_, since)| *since))
    }

    /// Makes a commit visible. Called in LSN order.
    pub(crate) fn publish(&self, lsn: Lsn, catalogue: Option<Arc<Catalogue>>, superseded: Vec<Superseded>) {
        let leaves_garbage = !superseded.is_empty();
        if leaves_garbage {
            let bytes = superseded.iter().map(|item| self.weight(item)).sum();
            let mut garbage = self.garbage.lock();
            garbage.bytes += bytes;
            garbage.lists.push_back((lsn, bytes, superseded));
        }
        {
            let _open = self.open.lock();
            self.published.store(lsn.0, Ordering::Release);
            if let Some(catalogue) = catalogue {
                *self.catalogue.write() = catalogue;
            }
        }
        if leaves_garbage {
            self.reclaim();
        }
    }

    /// The oldest state that a view sees, or may come to see.
    pub(crate) fn oldest(&self) -> Lsn {
        let open = self.open.lock();
        let published = self.published();
        open.keys().next().map_or(published, |first| published.min(*first))
    }

    /// Frees garbage list by list: each list frees only what its own commit superseded, because entries of later commits
    /// still exist.
    ///
    /// Never waits for another thread that frees garbage. That thread checks again after it has released its lock, so it
    /// finds what was listed, or dropped, before that; and a thread that lists garbage later finds the lock free.
    pub(crate) fn reclaim(&self) {
        while self.has_passed() {
            let Some(_one) = self.draining.try_lock() else { return };
            let passed = {
                let oldest = self.oldest();
                let mut garbage = self.garbage.lock();
                let passed = match garbage.lists.front() {
                    Some((lsn, ..)) if *lsn <= oldest => garbage.lists.pop_front(),
                    _ => None,
                };
                garbage.bytes -= passed.as_ref().map_or(0, |(_, bytes, _)| *bytes);
                passed
            };
            // Another thread has freed it since; there may be more already.
            let Some((lsn, _, superseded)) = passed else { continue };
            for item in superseded {
                match item {
                    Superseded::Entries(index, entries) => index.remove(lsn, &entries),
                    Superseded::Versions(collection, slot, _) => {
                        collection.slab().prune(slot, lsn);
                    }
                    Superseded::Document(collection, slot, key, _) => {
                        if collection.slab().bury(slot, lsn) {
                            collection.leave(&key, slot);
                        }
                    }
                    // A restore may have brought it back.
                    Superseded::Collection(number) => {
                        if self.catalogue.read().name_of(number).is_none() {
                            self.collections.remove(&number);
                        }
                    }
                    Superseded::Index(collection, number) => collection.remove_index(number),
                }
            }
        }
    }

    /// Calls a function with the slots of documents that commits after this one have replaced or deleted, as often as they have. A view of that
    /// state is open, and no commit may happen meanwhile. Documents that were inserted since are in slots of their own.
    pub(crate) fn each_superseded(&self, since: Lsn, mut visit: impl FnMut(&Arc<Collection>, SlotId)) {
        let garbage = self.garbage.lock();
        let from = garbage.lists.partition_point(|(lsn, ..)| *lsn <= since);
        for item in garbage.lists.range(from..).flat_map(|(_, _, list)| list) {
            if let Superseded::Versions(collection, slot, _) | Superseded::Document(collection, slot, ..) =
                item
            {
                visit(collection, *slot);
            }
        }
    }

    /// Whether something waits to be freed, or is being freed.
    pub(crate) fn has_garbage(&self) -> bool {
        // In this order: what is taken from the list is taken under the other lock.
        !self.garbage.lock().lists.is_empty() || self.draining.is_locked()
    }

    /// Whether a view that was dropped where blocking is not allowed left something to `catch_up`.
    pub(crate) fn is_behind(&self) -> bool {
        self.has_passed() || self.holds.has_retired()
    }

    /// Frees what no view needs any more.
    pub(crate) fn catch_up(&self) {
        self.holds.forget_retired();
        self.reclaim();
    }

    fn has_passed(&self) -> bool {
        let oldest = self.oldest();
        self.garbage.lock().lists.front().is_some_and(|(lsn, ..)| *lsn <= oldest)
    }
}

#[cfg(test)]
#[path = "views_tests.rs"]
mod tests;
