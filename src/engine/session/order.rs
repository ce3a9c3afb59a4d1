//! The order of a session's writes to one collection: a write begins when those called before it are done, as far as it
//! could overtake them.
//!
//! Writes that name their documents share a queue of width one, so they keep their order, in all collections together. Writes
//! by filter, and those that name very many documents, take long and run on the queue of scans:
//!
//! - One that is called after writes which are still queued passes through their queue, after them, to that of scans.
//! - Writes that are called after an unfinished one wait here until it is done. They are in no queue meanwhile, so neither
//!   reads nor writes to other collections wait behind them.
//! - A pipeline that writes concerns the collections that it reads too: what it writes depends on them.
//! - Documents are written during an index build; only what changes collections or indexes as a whole waits for it.
//! - The drop of a database concerns the collections of its unfinished writes, and the database as a whole: so do the writes to
//!   it that are called before the drop is done, to collections that did not exist too. A snapshot of a database in memory, and putting it
//!   back, concern all of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use smallvec::{SmallVec, smallvec};

use crate::engine::exec::locks::Mutex;
use crate::engine::exec::work_queue::Job;
use crate::engine::operation::classify::{
    concerned_by, destination_of, is_laborious, names_many, writes_by_id,
};
use crate::engine::operation::input::text_of;
use crate::engine::operation::request::{Operation, Task};
use crate::engine::state::namespace::{Databases, parts, whole, within};

/// What a write may overtake, and what may overtake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Names the documents that it writes, and takes no longer than its input requires.
    Named,
    /// Searches them, computes them by expressions or patterns, or names very many.
    Searching,
    /// Builds an index.
    Building,
    /// Drops, renames or modifies the collection, or drops an index.
    Whole,
}

impl Class {
    /// The class of an operation; `None` when it does not write. The operation is not validated yet.
    pub(super) fn of(operation: &Operation) -> Option<Class> {
        match operation.with_variables().0 {
            Operation::CreateIndexes { .. } => Some(Class::Building),
            Operation::Drop
            | Operation::DropDatabase
            | Operation::Barrier
            | Operation::Snapshot
            | Operation::Restore { .. }
            | Operation::CollMod { .. }
            | Operation::Rename { .. }
            | Operation::DropIndex { .. } => Some(Class::Whole),
            write if writes_by_id(write) && !is_laborious(write) && !names_many(write) => Some(Class::Named),
            Operation::Insert { .. }
            | Operation::Set { .. }
            | Operation::Update { .. }
            | Operation::Replace { .. }
            | Operation::Delete { .. }
            | Operation::FindOneAnd { .. }
            | Operation::Bulk { .. } => Some(Class::Searching),
            Operation::Aggregate { pipeline, .. } => destination_of(pipeline).map(|_| Class::Searching),
            _ => None,
        }
    }

    /// Whether it runs on the queue of the writes that name their documents.
    pub(super) fn is_queued(self) -> bool {
        matches!(self, Class::Named | Class::Whole)
    }
}

/// The collections that a write concerns.
pub(super) type Names = SmallVec<[Arc<str>; 2]>;

pub(super) fn names_of(task: &Task, databases: &Databases) -> Names {
    let database = parts(&task.name).0;
    match task.operation.with_variables().0 {
        // A name that is not valid fails when the operation runs.
        Operation::Rename { to, .. } => match text_of(to).and_then(|to| within(database, &to)) {
            Ok(to) if *to != *task.name => smallvec![Arc::clone(&task.name), Arc::from(to)],
            _ => smallvec![Arc::clone(&task.name)],
        },
        Operation::Aggregate { pipeline, .. } => {
            let concerned = concerned_by(pipeline, database, databases);
            let mut names: Names = concerned.into_iter().map(Arc::from).collect();
            names.push(Arc::clone(&task.name));
            names.sort_unstable();
            names.dedup();
            names
        }
        _ => smallvec![Arc::clone(&task.name)],
    }
}

/// What an operation concerns besides the collections that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing.
    Named,
    /// All collections of their databases.
    Database,
    /// All collections.
    Everything,
}

impl Reach {
    pub(super) fn of(operation: &Operation) -> Reach {
        match operation {
            Operation::DropDatabase => Reach::Database,
            Operation::Barrier | Operation::Snapshot | Operation::Restore { .. } => Reach::Everything,
            _ => Reach::Named,
        }
    }
}

/// Stands for all collections; no full name is like it.
const EVERYTHING: &str = "\0";

/// Counters of the queued writes; collections share one by chance, and then a write by filter takes the longer way.
const COUNTERS: usize = 64;

/// The counters of a write's collections.
pub(super) type Counters = SmallVec<[u8; 8]>;

/// The order of the writes of a session.
pub(crate) struct Order {
    /// Collections with an unfinished write by filter or index build. Read without the lock; changed under it, once the
    /// writes that are released are queued.
    lines: AtomicUsize,
    /// Drops of databases, and what concerns all of them, that are not done.
    drops: AtomicUsize,
    /// Writes in the queue of those that name their documents.
    queued: [AtomicU32; COUNTERS],
    hasher: foldhash::fast::RandomState,
    state: Mutex<State>,
}

impl Default for Order {
    fn default() -> Self {
        Order {
            lines: AtomicUsize::new(0),
            drops: AtomicUsize::new(0),
            queued: [const { AtomicU32::new(0) }; COUNTERS],
            hasher: foldhash::fast::RandomState::default(),
            state: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct State {
    lines: HashMap<Arc<str>, Line, foldhash::fast::RandomState>,
    waiting: HashMap<u64, Waiting>,
    last: u64,
    /// Collections with a write that the close of the database has ended.
    cut: HashSet<Arc<str>, foldhash::fast::RandomState>,
}

/// The writes of a collection, as long as one is unfinished that others wait for.
#[derive(Default)]
struct Line {
    searching: usize,
    building: usize,
    /// The tickets of waiting writes. A write of two collections is in two lines, and begins when it is the next in both.
    waiting: VecDeque<u64>,
}

/// A write that is to begin.
pub(super) struct Waiting {
    pub(super) names: Names,
    pub(super) class: Class,
    pub(super) job: Job,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.searching == 0 && self.building == 0 && self.waiting.is_empty()
    }

    /// Whether a write that is the next one may begin.
    fn admits(&self, class: Class) -> bool {
        self.searching == 0 && (class != Class::Whole || self.building == 0)
    }

    fn running(&mut self, class: Class) -> Option<&mut usize> {
        match class {
            Class::Searching => Some(&mut self.searching),
            Class::Building => Some(&mut self.building),
            Class::Named | Class::Whole => None,
        }
    }
}

impl State {
    /// Adds a write, and returns it at once if it has to wait for none.
    fn add(&mut self, waiting: Waiting) -> Vec<Waiting> {
        if !waiting.names.iter().any(|name| self.lines.contains_key(name)) {
            if !waiting.class.is_queued() {
                for name in &waiting.names {
                    self.begun(name, waiting.class);
                }
            }
            return vec![waiting];
        }
        self.last += 1;
        for name in &waiting.names {
            self.lines.entry(Arc::clone(name)).or_default().waiting.push_back(self.last);
        }
        let names = waiting.names.clone();
        self.waiting.insert(self.last, waiting);
        self.take_ready(names)
    }

    fn begun(&mut self, name: &Arc<str>, class: Class) {
        if let Some(running) = self.lines.entry(Arc::clone(name)).or_default().running(class) {
            *running += 1;
        }
    }

    fn is_next(&self, ticket: u64) -> bool {
        self.waiting.get(&ticket).is_some_and(|waiting| {
            let lines = waiting.names.iter().map(|name| self.lines.get(name));
            lines.flatten().all(|line| line.waiting.front() == Some(&ticket) && line.admits(waiting.class))
        })
    }

    /// Takes the writes of these collections whose turn has come.
    fn take_ready(&mut self, mut names: Names) -> Vec<Waiting> {
        let mut ready = Vec::new();
        while let Some(name) = names.pop() {
            while let Some(ticket) = self.lines.get(&name).and_then(|line| line.waiting.front().copied())
                && self.is_next(ticket)
                && let Some(waiting) = self.waiting.remove(&ticket)
            {
                for own in &waiting.names {
                    let Some(line) = self.lines.get_mut(own) else { continue };
                    line.waiting.pop_front();
                    if let Some(running) = line.running(waiting.class) {
                        *running += 1;
                    }
                    if *own != name {
                        names.push(Arc::clone(own));
                    }
                }
                ready.push(waiting);
            }
            if self.lines.get(&name).is_some_and(Line::is_empty) {
                self.lines.remove(&name);
            }
        }
        ready
    }

    fn end(&mut self, names: &Names, class: Class) {
        for name in names {
            if let Some(running) = self.lines.get_mut(name).and_then(|line| line.running(class)) {
                *running -= 1;
            }
        }
    }
}

impl Order {
    /// Adds a write. Those whose turn it is are passed on under the lock: nothing that is called meanwhile may be queued before
    /// them.
    pub(super) fn add(&self, write: Waiting, queue: impl FnOnce(Vec<Waiting>)) {
        let mut state = self.state.lock();
        queue(state.add(write));
        self.lines.store(state.lines.len(), Ordering::Release);
    }

    /// Ends a write by filter or an index build, and passes on the writes whose turn comes.
    pub(super) fn end(&self, names: &Names, class: Class, queue: impl FnOnce(Vec<Waiting>)) {
        let mut state = self.state.lock();
        state.end(names, class);
        queue(state.take_ready(names.clone()));
        self.lines.store(state.lines.len(), Ordering::Release);
    }

    /// Whether a write that names its documents overtakes nothing when it begins now.
    pub(super) fn is_free(&self, name: &str) -> bool {
        if self.drops.load(Ordering::Acquire) > 0 {
            return false;
        }
        self.lines.load(Ordering::Acquire) == 0
            || self
                .state
                .lock()
                .lines
                .get(name)
                .is_none_or(|line| line.waiting.is_empty() && line.admits(Class::Named))
    }

    /// Adds what a write concerns because of drops of databases: its own drop, or those that are not done.
    pub(super) fn concern_databases(&self, names: &mut Names, reach: Reach) {
        match reach {
            Reach::Database => {
                let dropped: Vec<String> = names.iter().map(|name| parts(name).0.to_owned()).collect();
                let state = self.state.lock();
                names.extend(
                    state.lines.keys().filter(|name| dropped.iter().any(|own| own == parts(name).0)).cloned(),
                );
            }
            Reach::Everything => names.extend(self.state.lock().lines.keys().cloned()),
            Reach::Named if self.drops.load(Ordering::Acquire) > 0 => {
                let databases: Vec<Arc<str>> = names.iter().map(|name| whole(parts(name).0).into()).collect();
                names.extend(databases);
            }
            Reach::Named => {}
        }
        if reach == Reach::Everything || self.drops.load(Ordering::Acquire) > 0 {
            names.push(EVERYTHING.into());
        }
        names.sort_unstable();
        names.dedup();
    }

    /// A drop of a database, or what concerns all of them, begins or, once that is done, ends.
    pub(super) fn count_drop(&self, ends: bool) {
        match ends {
            false => self.drops.fetch_add(1, Ordering::AcqRel),
            true => self.drops.fetch_sub(1, Ordering::AcqRel),
        };
    }

    /// Whether every write by filter and index build is done, and so nothing waits here.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.load(Ordering::Acquire) == 0
    }

    /// Whether no write by filter is unfinished and none waits; an index may be being built.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_empty()
            || self.state.lock().lines.values().all(|line| line.searching == 0 && line.waiting.is_empty())
    }

    /// Records that a write to these collections was ended by the close.
    pub(super) fn cut(&self, names: &Names) {
        self.state.lock().cut.extend(names.iter().cloned());
    }

    /// Whether an earlier write to one of these collections was; a database as a whole is concerned by all of its own.
    pub(super) fn is_cut(&self, names: &Names) -> bool {
        let concerns = |(database, collection): (&str, &str), (own, one): (&str, &str)| {
            database == own && (collection == one || collection.is_empty() || one.is_empty())
        };
        let state = self.state.lock();
        names.iter().any(|name| state.cut.iter().any(|cut| concerns(parts(cut), parts(name))))
    }

    pub(super) fn counters(&self, names: &[Arc<str>]) -> Counters {
        names.iter().map(|name| (self.hasher.hash_one(&**name) as usize % COUNTERS) as u8).collect()
    }

    pub(super) fn of<'o>(&'o self, counters: &'o Counters) -> impl Iterator<Item = &'o AtomicU32> {
        counters.iter().filter_map(|&counter| self.queued.get(usize::from(counter)))
    }

    pub(super) fn has_queued(&self, counters: &Counters) -> bool {
        self.of(counters).any(|queued| queued.load(Ordering::Acquire) > 0)
    }

    pub(super) fn count(&self, counters: &Counters) {
        for queued in self.of(counters) {
            queued.fetch_add(1, Ordering::Relaxed);
        }
    }
}
