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
use super::index::Index;
use super::slab::SlotId;
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
    /// Older versions in a slot.
    Versions(Arc<Collection>, SlotId),
    /// A deleted document: its slot, and its key.
    Document(Arc<Collection>, SlotId, Key),
    /// A dropped collection.
    Collection(u32),
}

/// The published state and its readers.
pub(crate) struct Views {
    published: AtomicU64,
    catalogue: RwLock<Arc<Catalogue>>,
    /// How many views are open at each LSN, and when (ms) the first of them was opened.
    open: Mutex<BTreeMap<Lsn, (usize, i64)>>,
    holds: Holds,
    garbage: Mutex<VecDeque<(Lsn, Vec<Superseded>)>>,
    /// Held while garbage is freed, so that it is freed in LSN order.
    draining: Mutex<()>,
    collections: Arc<Collections>,
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
    _hold: Hold,
}

impl View {
    /// The LSN of the state.
    pub(crate) fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The collections of the state.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
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
        View { lsn, catalogue: self.catalogue(), views: self.clone(), _hold: hold }
    }

    /// Opens a view of the newest applied state. The caller holds the commit lock; the view's content is valid only once its
    /// LSN is published.
    pub(crate) fn open_applied(self: &Arc<Self>, lsn: Lsn, catalogue: Arc<Catalogue>, now: i64) -> View {
        let hold = self.hold();
        self.open.lock().entry(lsn).or_insert((0, now)).0 += 1;
        View { lsn, catalogue, views: self.clone(), _hold: hold }
    }

    /// Keeps the current files until dropped.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        Hold { ticket: self.holds.take(), views: self.clone() }
    }

    /// Calls back once every current hold is dropped. No later reader needs what this deletes.
    pub(crate) fn when_released(&self, release: impl FnOnce() + Send + 'static) {
        self.holds.when_released(release);
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
            self.garbage.lock().push_back((lsn, superseded));
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
                match garbage.front() {
                    Some((lsn, _)) if *lsn <= oldest => garbage.pop_front(),
                    _ => None,
                }
            };
            // Another thread has freed it since; there may be more already.
            let Some((lsn, superseded)) = passed else { continue };
            for item in superseded {
                match item {
                    Superseded::Entries(index, entries) => index.remove(lsn, &entries),
                    Superseded::Versions(collection, slot) => {
                        collection.slab().prune(slot, lsn);
                    }
                    Superseded::Document(collection, slot, key) => {
                        if collection.slab().bury(slot, lsn) {
                            collection.leave(&key, slot);
                        }
                    }
                    Superseded::Collection(number) => {
                        self.collections.remove(&number);
                    }
                    Superseded::Index(collection, number) => collection.remove_index(number),
                }
            }
        }
    }

    /// Whether something waits to be freed, or is being freed.
    pub(crate) fn has_garbage(&self) -> bool {
        // In this order: what is taken from the list is taken under the other lock.
        !self.garbage.lock().is_empty() || self.draining.is_locked()
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
        self.garbage.lock().front().is_some_and(|(lsn, _)| *lsn <= oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::exec::nonblocking::nonblocking;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn what_a_view_leaves_in_a_nonblocking_scope_is_freed_by_the_next_thread_that_may_block() {
        let views = Views::new(Lsn(1), Arc::default(), Arc::default());
        let released = Arc::new(AtomicBool::new(false));
        nonblocking(|| {
            let _view = views.open(0);
            views.publish(Lsn(2), None, vec![Superseded::Collection(7)]);
            let released = released.clone();
            views.when_released(move || released.store(true, Ordering::Relaxed));
        });
        assert!(views.is_behind() && views.has_garbage() && !released.load(Ordering::Relaxed));
        views.catch_up();
        assert!(!views.is_behind() && !views.has_garbage() && released.load(Ordering::Relaxed));
    }

    #[test]
    fn garbage_that_another_thread_drains_is_left_to_that_thread() {
        let views = Views::new(Lsn(1), Arc::default(), Arc::default());
        {
            let _draining = views.draining.lock();
            // Would wait for ever if it waited for the lock.
            views.publish(Lsn(2), None, vec![Superseded::Collection(7)]);
            assert!(views.is_behind() && views.has_garbage());
        }
        views.reclaim();
        assert!(!views.is_behind() && !views.has_garbage());
    }

    #[test]
    fn nothing_stays_when_threads_that_leave_it_to_each_other_are_done() {
        for _ in 0..200 {
            let views = Views::new(Lsn(1), Arc::default(), Arc::default());
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for lsn in 2..100 {
                        views.publish(Lsn(lsn), None, vec![Superseded::Collection(7)]);
                    }
                });
                for _ in 0..2 {
                    scope.spawn(|| (0..50).for_each(|_| drop(views.open(0))));
                }
            });
            assert!(!views.is_behind() && !views.has_garbage());
        }
    }
}
