//! A file system that forgets.
//!
//! Written data is volatile until synced. After a power cut each 512-byte sector written since the last sync holds the
//! durable content or any version written later; so does each length; and each change of a directory happened or did not,
//! all independently of each other. A kill loses nothing; it ends the process at any operation, even in the middle of a
//! write. A failed fsync leaves the pages clean in memory and missing on disk.

mod disk;
mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use disk::Disk;
use process::{NoClock, Process, SimRng};

use moltendb_node::storage::Host;

/// A small generator with a seed.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Clone)]
enum Change {
    Link(String, Node),
    Unlink(String),
    Rename(String, String, Node),
}

/// An fsync, and what happened before it.
pub struct Fsync<'a> {
    pub verb: &'a str,
    pub path: &'a str,
    /// For a directory: the newest name in it that changed and is not durable; otherwise empty.
    pub change: &'a str,
    /// For a file: the length of the newest write.
    pub wrote: usize,
    /// This process has changed nothing yet, so it trusts nothing.
    pub opening: bool,
}

/// What the k-th operation does instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Error(io::ErrorKind),
    ShortWrite,
    /// The disk is full from then on, until the process ends or space is freed.
    Full,
    /// Another process holds a lock. Other operations work.
    Locked,
}

struct World {
    files: Vec<Disk>,
    names: BTreeMap<String, Node>,
    durable_names: BTreeMap<String, Node>,
    changes: Vec<Change>,
    locks: BTreeSet<usize>,
    dice: Dice,
    epoch: u64,
    operations: u64,
    die_at: Option<u64>,
    dead: bool,
    fault: Option<(u64, Fault)>,
    faulted: Option<&'static str>,
    /// The fsync that fails, counted from now.
    fail_sync: Option<u64>,
    /// An fsync of this process has failed.
    sync_failed: bool,
    /// Fsyncs so far.
    syncs: u64,
    /// This process has changed something.
    touched: bool,
    /// The fsync that is skipped, to show that it matters.
    ignored: Option<fn(&Fsync<'_>) -> bool>,
    /// Whether rewriting identical bytes does nothing, to show that it matters.
    skip_rewrites: bool,
}

/// The simulated world, shared by the file systems of all its processes.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<World>>);

impl Sim {
    pub fn new(seed: u64) -> Sim {
        let root = BTreeMap::from([("/".to_owned(), Node::Dir)]);
        Sim(Arc::new(Mutex::new(World {
            files: Vec::new(),
            names: root.clone(),
            durable_names: root,
            changes: Vec::new(),
            locks: BTreeSet::new(),
            dice: Dice::new(seed),
            epoch: 0,
            operations: 0,
            die_at: None,
            dead: false,
            fault: None,
            faulted: None,
            fail_sync: None,
            sync_failed: false,
            syncs: 0,
            touched: false,
            ignored: None,
            skip_rewrites: false,
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// A host for one process. Handles of earlier processes are dead from now on.
    pub fn process(&self) -> Host {
        let mut world = self.world();
        world.epoch += 1;
        world.locks.clear();
        world.dead = false;
        world.die_at = None;
        world.fail_sync = None;
        world.sync_failed = false;
        world.touched = false;
        if world.fault.is_some_and(|(at, fault)| fault == Fault::Full && world.operations >= at) {
            world.fault = None;
        }
        let dice = Mutex::new(Dice::new(world.dice.next()));
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let process = Process { sim: self.clone(), epoch: world.epoch, number };
        Host::new(Arc::new(process), Arc::new(NoClock), Arc::new(SimRng(dice)))
    }

    pub fn die_after(&self, operations: u64) {
        let mut world = self.world();
        world.die_at = Some(world.operations + operations);
    }

    /// No fault or death happens to the process from now on, unless it has happened already.
    pub fn spare(&self) {
        let mut world = self.world();
        world.die_at = None;
        world.fail_sync = None;
    }

    pub fn fail(&self, operation: u64, fault: Fault) {
        let mut world = self.world();
        world.fault = Some((world.operations + operation, fault));
        world.faulted = None;
    }

    /// The operation that the fault hit, if any.
    pub fn faulted(&self) -> Option<&'static str> {
        self.world().faulted
    }

    /// Frees space; no more faults.
    pub fn heal(&self) {
        self.world().fault = None;
    }

    /// Changes bytes on the disk directly: the n-th byte of these files, counted modulo their length.
    pub fn damage(&self, n: usize, bit: u8, counts: impl Fn(&str) -> bool) -> Option<(String, usize)> {
        let mut guard = self.world();
        let world = &mut *guard;
        let files: Vec<(&String, usize)> = world
            .names
            .iter()
            .filter(|(name, _)| counts(name))
            .filter_map(|(name, node)| match node {
                Node::File(file) => Some((name, *file)),
                Node::Dir => None,
            })
            .collect();
        let total: usize = files.iter().map(|(_, file)| world.files[*file].cached.len()).sum();
        let mut at = n.checked_rem(total)?;
        for (name, file) in files {
            let disk = &mut world.files[file];
            if let Some(byte) = disk.cached.get_mut(at) {
                *byte ^= 1 << bit;
                return Some((name.clone(), at));
            }
            at -= disk.cached.len();
        }
        None
    }

    /// Removes a file directly, also on the disk.
    pub fn remove(&self, name: &str) {
        let mut world = self.world();
        world.names.remove(name);
        world.durable_names.remove(name);
        world.changes.retain(|change| change.name() != name);
    }

    /// Truncates a file directly, also on the disk.
    pub fn truncate(&self, name: &str, len: usize) {
        let mut world = self.world();
        if let Some(Node::File(file)) = world.names.get(name).copied() {
            world.files[file].truncate(len);
        }
    }

    /// The bytes of these files, as their readers see them.
    pub fn bytes(&self, counts: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<u8>> {
        let world = self.world();
        let files = world.names.iter().filter(|(name, _)| counts(name));
        let bytes = files.filter_map(|(name, node)| match node {
            Node::File(file) => Some((name.clone(), world.files[*file].cached.clone())),
            Node::Dir => None,
        });
        bytes.collect()
    }

    /// The length of a file, as its readers see it.
    pub fn len(&self, path: &Path) -> Option<usize> {
        let world = self.world();
        match world.names.get(text(path))? {
            Node::File(file) => Some(world.files[*file].cached.len()),
            Node::Dir => None,
        }
    }

    /// Skips this fsync.
    pub fn ignore(&self, which: fn(&Fsync<'_>) -> bool) {
        self.world().ignored = Some(which);
    }

    /// Rewriting identical bytes does nothing.
    pub fn skip_rewrites(&self) {
        self.world().skip_rewrites = true;
    }

    /// An fsync fails after so many; until the process ends.
    pub fn fail_sync(&self, after: u64) {
        self.world().fail_sync = Some(after);
    }

    /// Whether an fsync of this process has failed.
    pub fn sync_failed(&self) -> bool {
        self.world().sync_failed
    }

    /// The number of fsyncs of all processes so far, of files and of directories.
    pub fn syncs(&self) -> u64 {
        self.world().syncs
    }

    pub fn is_dead(&self) -> bool {
        self.world().dead
    }

    /// A power cut: durable data stays, of the rest any part.
    pub fn cut(&self) {
        let mut guard = self.world();
        let world = &mut *guard;
        for file in &mut world.files {
            file.cut(&mut world.dice);
        }
        let mut names = std::mem::take(&mut world.durable_names);
        for change in std::mem::take(&mut world.changes) {
            if world.dice.below(2) == 0 {
                apply(&mut names, &change);
            }
        }
        let orphans: Vec<String> = names.keys().filter(|path| !is_rooted(&names, path)).cloned().collect();
        for orphan in orphans {
            names.remove(&orphan);
        }
        world.durable_names = names.clone();
        world.names = names;
    }
}

impl Change {
    /// The name that the operation creates or removes.
    fn name(&self) -> &str {
        let (Change::Link(name, _) | Change::Unlink(name) | Change::Rename(_, name, _)) = self;
        name
    }
}

/// The directory that a path is in; the root is in none.
fn parent(path: &str) -> Option<&str> {
    match path.rfind('/') {
        Some(0) => (path.len() > 1).then_some("/"),
        at => at.map(|at| &path[..at]),
    }
}

fn is_rooted(names: &BTreeMap<String, Node>, path: &str) -> bool {
    parent(path).is_none_or(|parent| names.contains_key(parent) && is_rooted(names, parent))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn apply(names: &mut BTreeMap<String, Node>, change: &Change) {
    match change {
        Change::Link(path, node) => {
            names.insert(path.clone(), *node);
        }
        Change::Unlink(path) => {
            names.remove(path);
        }
        // The previous name may never have been durable, or may have named an older file; the entry that moves is this one.
        Change::Rename(from, to, node) => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}
