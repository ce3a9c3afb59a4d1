//! The names that collections had before they were renamed or dropped, and the shapes of the dropped: old commits in the log are read
//! with them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::document::Shapes;
use crate::engine::exec::locks::Mutex;
use crate::storage::Lsn;

/// What a collection was called up to a commit, which has renamed or dropped it.
#[derive(Clone)]
pub(crate) struct PastName {
    pub(crate) until: Lsn,
    pub(crate) name: Arc<str>,
    /// Of a dropped collection.
    pub(crate) shapes: Option<Arc<Shapes>>,
}

/// The past names of all collections, by number, each in the order of the commits.
#[derive(Default)]
pub(crate) struct PastNames {
    names: Mutex<BTreeMap<u32, Vec<PastName>>>,
    /// Whether they are kept: somebody may read old commits.
    kept: AtomicBool,
    /// How many were added.
    left: AtomicU64,
}

/// Names that are added before the oldest are forgotten.
const MANY: u64 = 1_024;

impl PastNames {
    /// Those that recovery has found.
    pub(crate) fn new(names: BTreeMap<u32, Vec<PastName>>) -> PastNames {
        PastNames { names: Mutex::new(names), ..PastNames::default() }
    }

    /// Keeps them from now on.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::SeqCst);
    }

    /// Whether they are kept.
    pub(crate) fn are_kept(&self) -> bool {
        self.kept.load(Ordering::SeqCst)
    }

    /// A collection leaves this name. Called before the commit is published. Returns whether it is time to forget some: each time that
    /// many were added.
    pub(crate) fn leave(&self, number: u32, past: PastName) -> bool {
        self.names.lock().entry(number).or_default().push(past);
        self.left.fetch_add(1, Ordering::Relaxed) % MANY == MANY - 1
    }

    /// The name that a collection had before this commit, if it has left it with that commit or later.
    pub(crate) fn before(&self, number: u32, lsn: Lsn) -> Option<Arc<str>> {
        let names = self.names.lock();
        names.get(&number)?.iter().find(|past| past.until >= lsn).map(|past| past.name.clone())
    }

    /// The shapes of a dropped collection.
    pub(crate) fn shapes(&self, number: u32) -> Option<Arc<Shapes>> {
        self.names.lock().get(&number)?.iter().find_map(|past| past.shapes.clone())
    }

    /// Those that were left up to this commit.
    pub(crate) fn up_to(&self, lsn: Lsn) -> Vec<(u32, PastName)> {
        let names = self.names.lock();
        let all = names.iter().flat_map(|(number, past)| past.iter().map(|past| (*number, past.clone())));
        all.filter(|(_, past)| past.until <= lsn).collect()
    }

    /// Forgets those that no commit from this one on needs.
    pub(crate) fn forget_before(&self, lsn: Lsn) {
        let mut names = self.names.lock();
        names.retain(|_, past| {
            past.retain(|past| past.until >= lsn);
            !past.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_for_the_commits_up_to_the_one_that_ended_it() {
        let past = PastNames::default();
        let name = |until, name: &str| PastName { until: Lsn(until), name: name.into(), shapes: None };
        past.leave(4, name(10, "first"));
        past.leave(4, name(20, "second"));
        let before = |lsn| past.before(4, Lsn(lsn)).map(|name| name.to_string());
        assert_eq!(before(9).as_deref(), Some("first"));
        assert_eq!(before(10).as_deref(), Some("first"));
        assert_eq!(before(11).as_deref(), Some("second"));
        assert_eq!(before(21), None);
        assert_eq!(past.up_to(Lsn(10)).len(), 1);
        past.forget_before(Lsn(11));
        assert_eq!(before(1).as_deref(), Some("second"));
        past.forget_before(Lsn(21));
        assert_eq!(before(1), None);
    }
}
