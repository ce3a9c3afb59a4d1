//! Which transactions were committed.
//!
//! Entries do not say to which transaction they belong, and those of writers at the same time stand between each other. So
//! an entry counts where any transaction is open that is committed later: MoltenDB itself would lose entries there. Where only
//! transactions are open that were never committed, it does not count.

use std::collections::{HashMap, HashSet};

/// What the first reading finds.
#[derive(Default)]
pub(super) struct Transactions {
    begun: u64,
    open: HashMap<String, u64>,
    /// The numbers of the beginnings without an end.
    abandoned: HashSet<u64>,
}

impl Transactions {
    /// A transaction begins.
    pub(super) fn begin(&mut self, name: &str) {
        if let Some(before) = self.open.insert(name.to_owned(), self.begun) {
            self.abandoned.insert(before);
        }
        self.begun += 1;
    }

    /// It is committed.
    pub(super) fn commit(&mut self, name: &str) {
        self.open.remove(name);
    }

    /// The second reading.
    pub(super) fn finish(mut self) -> Replay {
        self.abandoned.extend(self.open.values());
        Replay { abandoned: self.abandoned, ..Replay::default() }
    }
}

/// The second reading.
#[derive(Default)]
pub(super) struct Replay {
    begun: u64,
    abandoned: HashSet<u64>,
    /// Open ones that will be committed.
    open: HashSet<String>,
    /// Whether the last one that began is never committed.
    lost: bool,
}

impl Replay {
    /// A transaction begins.
    pub(super) fn begin(&mut self, name: &str) {
        self.lost = self.abandoned.contains(&self.begun);
        if !self.lost {
            self.open.insert(name.to_owned());
        }
        self.begun += 1;
    }

    /// It is committed; `false` when it has not begun.
    pub(super) fn commit(&mut self, name: &str) -> bool {
        self.open.remove(name)
    }

    /// Whether an entry counts here.
    pub(super) fn counts(&self) -> bool {
        !self.lost || !self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What counts of a log: `(a` begins a transaction, `)a` commits it, anything else is an entry.
    fn counted(log: &str) -> String {
        let mut first = Transactions::default();
        for word in log.split(' ') {
            match word.split_at(1) {
                ("(", name) => first.begin(name),
                (")", name) => first.commit(name),
                _ => {}
            }
        }
        let mut replay = first.finish();
        let mut counted = Vec::new();
        for word in log.split(' ') {
            match word.split_at(1) {
                ("(", name) => replay.begin(name),
                (")", name) => drop(replay.commit(name)),
                _ if replay.counts() => counted.push(word),
                _ => {}
            }
        }
        counted.join(" ")
    }

    #[test]
    fn entries_count_where_a_transaction_is_open_that_is_committed() {
        assert_eq!(counted("1 (a 2 )a 3"), "1 2 3");
        assert_eq!(counted("(a 1 (b 2 )a 3 )b"), "1 2 3");
        assert_eq!(counted("(a 1 (b 2 )b 3"), "2 3");
        assert_eq!(counted("(a 1 )a (b 2"), "1");
        assert_eq!(counted("(a 1 (a 2 )a"), "2");
        assert_eq!(counted(")a 1"), "1");
        assert_eq!(counted("(a 1 (b 2 )a 3"), "1 2");
    }
}
