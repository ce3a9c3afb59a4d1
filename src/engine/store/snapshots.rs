//! The snapshots of a database in memory, by number: states that it can be put back in.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::exec::locks::Mutex;
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::index::Index;
use crate::engine::state::views::View;
use crate::error::{Error, Kind, Result};

/// How many there may be.
const MOST: usize = 10_000;

/// A collection as a snapshot has it.
#[derive(Clone)]
pub(crate) struct SnapshotCollection {
    pub(crate) collection: Arc<Collection>,
    pub(crate) options: Arc<CollectionOptions>,
    /// The end of its slots.
    pub(crate) end: u64,
}

/// A state that the database can be put back in.
pub(crate) struct Snapshot {
    pub(crate) view: View,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) collections: Vec<SnapshotCollection>,
    /// The time of its newest commit (ms).
    pub(crate) time: i64,
}

impl Snapshot {
    /// Of the newest applied state, which the view is of.
    pub(crate) fn of(catalogue: &Arc<Catalogue>, view: View, time: i64) -> Snapshot {
        let all = catalogue.iter().map(|(_, collection)| collection);
        let collections = all.map(|collection| SnapshotCollection {
            collection: collection.clone(),
            options: collection.options(),
            end: collection.slab().end(),
        });
        Snapshot { view, catalogue: catalogue.clone(), collections: collections.collect(), time }
    }

    /// The same state, which a commit has now, before any other.
    pub(crate) fn moved(&self, view: View) -> Snapshot {
        let collections = self.collections.iter();
        let collections =
            collections.map(|one| SnapshotCollection { end: one.collection.slab().end(), ..one.clone() });
        Snapshot {
            view,
            catalogue: self.catalogue.clone(),
            collections: collections.collect(),
            time: self.time,
        }
    }
}

/// What a restore sets besides documents and names.
#[derive(Default)]
pub(crate) struct Restored {
    pub(crate) options: Vec<(Arc<Collection>, Arc<CollectionOptions>)>,
    /// Indexes that were dropped since.
    pub(crate) again: Vec<(Arc<Collection>, Arc<Index>)>,
    /// The time that the newest commit has from then on (ms).
    pub(crate) time: i64,
}

impl Restored {
    /// Last, under the commit lock.
    pub(crate) fn apply(self) {
        for (collection, index) in &self.again {
            index.keep_again();
            collection.add_index(index.clone());
        }
        for (collection, options) in self.options {
            collection.set_options(options);
        }
        // An index may have been changed between the snapshot and its drop.
        for (collection, index) in self.again {
            let then = collection.options().of_index(&index.spec().name);
            index.set_hidden(then.hidden);
            index.set_expire_after(then.expire_after);
        }
    }
}

/// The snapshots, by numbers that are never used again.
#[derive(Default)]
pub(crate) struct Snapshots {
    state: Mutex<(u64, HashMap<u64, Arc<Snapshot>>)>,
}

impl Snapshots {
    /// Keeps one; returns its number.
    pub(crate) fn add(&self, snapshot: Snapshot) -> Result<u64> {
        let mut state = self.state.lock();
        if state.1.len() >= MOST {
            let message = format!("there are {MOST} snapshots; release those that are not needed any more");
            return Err(Error::new(Kind::Limit, message));
        }
        state.0 += 1;
        let number = state.0;
        state.1.insert(number, Arc::new(snapshot));
        Ok(number)
    }

    /// The one with this number, unless it was released.
    pub(crate) fn get(&self, number: u64) -> Option<Arc<Snapshot>> {
        self.state.lock().1.get(&number).cloned()
    }

    /// Puts another in its place, unless it was released.
    pub(crate) fn replace(&self, number: u64, snapshot: Snapshot) {
        let mut state = self.state.lock();
        let before = state.1.get_mut(&number).map(|own| std::mem::replace(own, Arc::new(snapshot)));
        drop(state);
        // It frees what only it could see.
        drop(before);
    }

    /// Forgets one.
    pub(crate) fn release(&self, number: u64) {
        let released = self.state.lock().1.remove(&number);
        drop(released);
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut self.state.lock().1);
        drop(all);
    }
}
