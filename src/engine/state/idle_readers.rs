//! Readers that keep a view between two reads, as open cursors do. A forgotten one would hold older versions of documents,
//! superseded entries of indexes and a checkpoint that waits for it, without a bound. So the oldest of them end when that becomes
//! too much (`Store::end_readers`); one that is reading at that moment does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::engine::exec::locks::Mutex;
use crate::storage::Lsn;

/// Such a reader.
pub(crate) trait IdleReader: Send + Sync {
    /// Ends it, and drops its view, unless it is reading; returns whether it did.
    fn end(&self) -> bool;
}

/// What identifies a view among the open ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Its state.
    pub(super) lsn: Lsn,
    /// The number of its hold.
    pub(super) number: u64,
}

type Known = (Lsn, Weak<dyn IdleReader>);

/// The readers, by the numbers of their holds.
#[derive(Default)]
pub(crate) struct IdleReaders(Mutex<BTreeMap<u64, Known>>);

impl IdleReaders {
    /// Adds the reader of this view.
    pub(crate) fn add(&self, view: Ticket, reader: Weak<dyn IdleReader>) {
        self.0.lock().insert(view.number, (view.lsn, reader));
    }

    /// Removes it.
    pub(crate) fn remove(&self, view: Ticket) {
        self.0.lock().remove(&view.number);
    }

    /// The readers by the state of their view.
    pub(super) fn by_state(&self) -> BTreeMap<Lsn, Vec<Arc<dyn IdleReader>>> {
        let mut states: BTreeMap<Lsn, Vec<_>> = BTreeMap::new();
        for (lsn, reader) in self.0.lock().values() {
            states.entry(*lsn).or_default().extend(reader.upgrade());
        }
        states
    }

    /// The readers of these holds; `None` if one of them is of something else.
    pub(super) fn of_holds(&self, holds: &[u64]) -> Option<Vec<Arc<dyn IdleReader>>> {
        let readers: Option<Vec<_>> = {
            let readers = self.0.lock();
            holds.iter().map(|number| readers.get(number).map(|(_, reader)| reader.clone())).collect()
        };
        // Without the lock: a reader that is dropped here takes it.
        readers?.iter().map(Weak::upgrade).collect()
    }

    /// Ends these, in order, up to the first that is reading; returns how many. An older reader that goes on holds what the
    /// younger ones hold.
    pub(super) fn end<'r>(readers: impl IntoIterator<Item = &'r Arc<dyn IdleReader>>) -> usize {
        readers.into_iter().take_while(|reader| reader.end()).count()
    }
}
